-- The books, by double entry. A transaction is posted once, and never changed.
CREATE TABLE payments_ledger_transaction (
    id text PRIMARY KEY,
    -- What was posted ('capture', 'fee', 'refund', …), and of what: together they are posted once.
    kind text NOT NULL,
    reference text NOT NULL,
    order_id text,
    posted_at timestamptz NOT NULL,
    -- The database transaction that added it, set by a trigger: entries are added by the same one, or not at all.
    -- (xmin would not do: inside of a savepoint it is another one.)
    posted_in xid8,
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
    -- The row of a transaction is seen as `id`, that of an entry as `transaction_id`.
    posted text := coalesce(to_jsonb(NEW) ->> 'transaction_id', to_jsonb(NEW) ->> 'id');
    entries bigint;
    unbalanced text;
BEGIN
    SELECT count(*) INTO entries FROM payments_ledger_entry WHERE transaction_id = posted;
    SELECT currency INTO unbalanced FROM payments_ledger_entry WHERE transaction_id = posted
        GROUP BY currency HAVING sum(amount) <> 0 LIMIT 1;
    IF entries = 0 OR unbalanced IS NOT NULL THEN
        RAISE EXCEPTION 'ledger transaction % does not sum to zero', posted USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER payments_ledger_balanced AFTER INSERT ON payments_ledger_transaction
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION payments_ledger_balanced();
-- Once more for entries: SET CONSTRAINTS may have fired the first before they came.
CREATE CONSTRAINT TRIGGER payments_ledger_entry_balanced AFTER INSERT ON payments_ledger_entry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION payments_ledger_balanced();

CREATE FUNCTION payments_ledger_transaction_stamped() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.posted_in := pg_current_xact_id();
    RETURN NEW;
END $$;
CREATE TRIGGER payments_ledger_transaction_stamped BEFORE INSERT ON payments_ledger_transaction
    FOR EACH ROW EXECUTE FUNCTION payments_ledger_transaction_stamped();

-- Entries come with their transaction, in one database transaction: none is added later.
CREATE FUNCTION payments_ledger_entry_in_time() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM payments_ledger_transaction WHERE id = NEW.transaction_id AND posted_in = pg_current_xact_id();
    IF NOT FOUND THEN
        RAISE EXCEPTION 'ledger transaction % is closed', NEW.transaction_id USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER payments_ledger_entry_in_time BEFORE INSERT ON payments_ledger_entry
    FOR EACH ROW EXECUTE FUNCTION payments_ledger_entry_in_time();

CREATE FUNCTION payments_ledger_unchanged() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is never changed: post a transaction that corrects it'
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER payments_ledger_transaction_unchanged BEFORE UPDATE OR DELETE ON payments_ledger_transaction
    FOR EACH ROW EXECUTE FUNCTION payments_ledger_unchanged();
CREATE TRIGGER payments_ledger_entry_unchanged BEFORE UPDATE OR DELETE ON payments_ledger_entry
    FOR EACH ROW EXECUTE FUNCTION payments_ledger_unchanged();
CREATE TRIGGER payments_ledger_transaction_kept BEFORE TRUNCATE ON payments_ledger_transaction
    EXECUTE FUNCTION payments_ledger_unchanged();
CREATE TRIGGER payments_ledger_entry_kept BEFORE TRUNCATE ON payments_ledger_entry
    EXECUTE FUNCTION payments_ledger_unchanged();
