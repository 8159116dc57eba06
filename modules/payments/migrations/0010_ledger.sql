-- The books, by double entry. A transaction is posted once, and never changed.
CREATE TABLE payments_ledger_transaction (
    id text PRIMARY KEY,
    -- What was posted ('capture', 'fee', 'refund', …), and of what: together they are posted once.
    kind text NOT NULL,
    reference text NOT NULL,
    order_id text,
    posted_at timestamptz NOT NULL,
    UNIQUE (kind, reference)
);
CREATE INDEX payments_ledger_transaction_posted ON payments_ledger_transaction (posted_at);
CREATE INDEX payments_ledger_transaction_of_order ON payments_ledger_transaction (order_id);

-- Debits are above zero, credits below.
CREATE TABLE payments_ledger_entry (
    transaction_id text NOT NULL REFERENCES payments_ledger_transaction (id),
    account text NOT NULL,
    currency text NOT NULL,
    amount bigint NOT NULL CHECK (amount <> 0),
    PRIMARY KEY (transaction_id, account, currency)
);
CREATE INDEX payments_ledger_entry_account ON payments_ledger_entry (account, currency);

CREATE FUNCTION payments_ledger_balanced() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    entries bigint;
    unbalanced text;
BEGIN
    SELECT count(*) INTO entries FROM payments_ledger_entry WHERE transaction_id = NEW.id;
    SELECT currency INTO unbalanced FROM payments_ledger_entry WHERE transaction_id = NEW.id
        GROUP BY currency HAVING sum(amount) <> 0 LIMIT 1;
    IF entries = 0 OR unbalanced IS NOT NULL THEN
        RAISE EXCEPTION 'ledger transaction % (%, %) does not sum to zero', NEW.id, NEW.kind, NEW.reference;
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER payments_ledger_balanced AFTER INSERT ON payments_ledger_transaction
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION payments_ledger_balanced();

-- Entries come with their transaction, in one database transaction: none is added later.
CREATE FUNCTION payments_ledger_entry_in_time() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM payments_ledger_transaction
        WHERE id = NEW.transaction_id AND xmin::text = (pg_current_xact_id()::xid)::text;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'ledger transaction % is closed', NEW.transaction_id;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER payments_ledger_entry_in_time BEFORE INSERT ON payments_ledger_entry
    FOR EACH ROW EXECUTE FUNCTION payments_ledger_entry_in_time();

CREATE FUNCTION payments_ledger_unchanged() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is never changed: post a transaction that corrects it';
END $$;
CREATE TRIGGER payments_ledger_transaction_unchanged BEFORE UPDATE OR DELETE ON payments_ledger_transaction
    FOR EACH ROW EXECUTE FUNCTION payments_ledger_unchanged();
CREATE TRIGGER payments_ledger_entry_unchanged BEFORE UPDATE OR DELETE ON payments_ledger_entry
    FOR EACH ROW EXECUTE FUNCTION payments_ledger_unchanged();
CREATE TRIGGER payments_ledger_transaction_kept BEFORE TRUNCATE ON payments_ledger_transaction
    EXECUTE FUNCTION payments_ledger_unchanged();
CREATE TRIGGER payments_ledger_entry_kept BEFORE TRUNCATE ON payments_ledger_entry
    EXECUTE FUNCTION payments_ledger_unchanged();
