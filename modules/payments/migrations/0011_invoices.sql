-- The last number of each series in a financial year. Who numbers locks the row, in a short transaction.
CREATE TABLE payments_invoice_series (
    series text NOT NULL,
    year text NOT NULL,
    last bigint NOT NULL DEFAULT 0 CHECK (last >= 0),
    PRIMARY KEY (series, year)
);

-- Invoices and credit notes as they were issued. Amounts are those of the document: a credit note's are above zero too.
CREATE TABLE payments_invoice (
    id text PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('tax_invoice', 'bill_of_supply', 'receipt', 'credit_note')),
    number text NOT NULL UNIQUE CHECK (number ~ '^[A-Z0-9/-]{1,16}$'),
    series text NOT NULL,
    year text NOT NULL,
    sequence bigint NOT NULL,
    order_id text NOT NULL REFERENCES payments_order (id),
    payment_id text NOT NULL,
    -- What a credit note is about; null for all else.
    refund_id text UNIQUE,
    user_id text NOT NULL,
    buyer_id text NOT NULL,
    title text NOT NULL,
    currency text NOT NULL,
    total bigint NOT NULL CHECK (total > 0),
    taxable bigint NOT NULL,
    cgst bigint NOT NULL,
    sgst bigint NOT NULL,
    igst bigint NOT NULL,
    tax_rate numeric(5, 2) NOT NULL,
    place_of_supply text NOT NULL,
    gstin text NOT NULL,
    issued_at timestamptz NOT NULL,
    snapshot jsonb NOT NULL,
    UNIQUE (series, year, sequence),
    CHECK ((kind = 'credit_note') = (refund_id IS NOT NULL)),
    CHECK (taxable + cgst + sgst + igst = total)
);
CREATE UNIQUE INDEX payments_invoice_of_order ON payments_invoice (order_id) WHERE refund_id IS NULL;
CREATE INDEX payments_invoice_of_user ON payments_invoice (user_id, id);
CREATE INDEX payments_invoice_of_buyer ON payments_invoice (buyer_id, id);
CREATE INDEX payments_invoice_issued ON payments_invoice (issued_at);

CREATE FUNCTION payments_invoice_unchanged() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'an invoice is never changed: issue a credit note'
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER payments_invoice_unchanged BEFORE UPDATE OR DELETE ON payments_invoice
    FOR EACH ROW EXECUTE FUNCTION payments_invoice_unchanged();
CREATE TRIGGER payments_invoice_kept BEFORE TRUNCATE ON payments_invoice
    EXECUTE FUNCTION payments_invoice_unchanged();

-- The PDF of an invoice in a language, made once.
CREATE TABLE payments_invoice_document (
    invoice_id text NOT NULL REFERENCES payments_invoice (id),
    language text NOT NULL CHECK (language IN ('en', 'hi')),
    body bytea NOT NULL,
    size bigint NOT NULL CHECK (size = octet_length(body)),
    made_at timestamptz NOT NULL,
    PRIMARY KEY (invoice_id, language)
);
-- PDFs are compressed already.
ALTER TABLE payments_invoice_document ALTER COLUMN body SET STORAGE EXTERNAL;
