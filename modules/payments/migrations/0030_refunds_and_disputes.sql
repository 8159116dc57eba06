-- How a refund gets to the vendor, and back from the bank.
ALTER TABLE payments_refund
    -- Times that it was sent to the vendor or looked up there.
    ADD COLUMN attempts integer NOT NULL DEFAULT 0,
    -- Why it failed, or what the vendor said last, in its words.
    ADD COLUMN failure text NOT NULL DEFAULT '',
    -- A failed refund is retried by another one, once.
    ADD COLUMN retry_of text UNIQUE REFERENCES payments_refund (id);
-- What happens by itself happens once to a payment, whatever is told again. A retry is another row.
CREATE UNIQUE INDEX payments_refund_once ON payments_refund (payment_id, origin)
    WHERE origin IN ('no_place', 'place_given_back', 'extra_payment') AND retry_of IS NULL;
CREATE INDEX payments_refund_of_state ON payments_refund (state, id);

-- A payer asked their bank for the money. Rows are merged: `disputes/states.py`.
CREATE TABLE payments_dispute (
    id text PRIMARY KEY,
    payment_id text NOT NULL REFERENCES payments_payment (id),
    phase text NOT NULL,
    state text NOT NULL CHECK (state IN ('open', 'under_review', 'closed', 'won', 'lost')),
    amount bigint NOT NULL CHECK (amount > 0),
    currency text NOT NULL,
    -- What the vendor took out of our balance.
    deducted bigint NOT NULL DEFAULT 0 CHECK (deducted >= 0),
    reason_code text NOT NULL DEFAULT '',
    respond_by timestamptz,
    created_at timestamptz NOT NULL,
    -- The moment of the message that the state is of.
    said_at timestamptz NOT NULL,
    -- When the event `DisputeOpened`, and when `DisputeLost` was published: each is, once.
    told_at timestamptz,
    lost_at timestamptz,
    rev bigint NOT NULL DEFAULT 1
);
CREATE INDEX payments_dispute_of_payment ON payments_dispute (payment_id);
CREATE INDEX payments_dispute_of_state ON payments_dispute (state, id);
