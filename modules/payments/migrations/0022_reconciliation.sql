-- When an order or a refund that is not finished is compared with the vendor again, and how often it was.
CREATE TABLE payments_check (
    kind text NOT NULL CHECK (kind IN ('order', 'refund')),
    subject text NOT NULL,
    checks bigint NOT NULL,
    next_at timestamptz NOT NULL,
    PRIMARY KEY (kind, subject)
);
CREATE INDEX payments_order_unsettled ON payments_order (expires_at)
    WHERE state IN ('created', 'open', 'confirming', 'expired', 'cancelled');

-- A day of the vendor's settlements (a date in India) that is compared, or was.
CREATE TABLE payments_settlement_day (
    day date PRIMARY KEY,
    claimed_at timestamptz NOT NULL,
    compared_at timestamptz
);

-- A transfer to our bank account, and its lines, as the vendor tells of them.
CREATE TABLE payments_settlement (
    id text PRIMARY KEY,
    day date NOT NULL,
    utr text NOT NULL,
    state text NOT NULL,
    currency text NOT NULL,
    amount bigint NOT NULL,
    made_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL
);
CREATE INDEX payments_settlement_made ON payments_settlement (made_at, id);
CREATE TABLE payments_settlement_item (
    settlement_id text NOT NULL,
    entity_id text NOT NULL,
    kind text NOT NULL,
    currency text NOT NULL,
    amount bigint NOT NULL,
    debit bigint NOT NULL,
    credit bigint NOT NULL,
    -- With its tax, which `tax` is.
    fee bigint NOT NULL,
    tax bigint NOT NULL,
    -- The vendor's payment that a refund or an adjustment is about; of a payment its own id.
    payment_id text,
    -- Ours.
    order_id text,
    settled_at timestamptz,
    seen_at timestamptz NOT NULL,
    PRIMARY KEY (settlement_id, entity_id)
);
CREATE INDEX payments_settlement_item_entity ON payments_settlement_item (entity_id);
CREATE INDEX payments_difference_found ON payments_difference (found_at, id);
CREATE INDEX payments_difference_subject ON payments_difference (kind, subject);
CREATE INDEX payments_webhook_last ON payments_webhook (coalesce(handled_at, received_at));
CREATE INDEX payments_payment_captured ON payments_payment (captured_at) WHERE captured;
