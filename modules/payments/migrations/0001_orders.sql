-- What a place in a program is sold for. Amounts are minor units of the order's currency and include GST.
CREATE TABLE payments_order (
    id text PRIMARY KEY,
    -- Who gets the place, and who pays: the same user, or an adult who pays by a link and has no account.
    user_id text NOT NULL,
    buyer_id text NOT NULL,
    program_id text NOT NULL,
    title text NOT NULL,
    state text NOT NULL CHECK (state IN ('created', 'open', 'confirming', 'paid', 'expired', 'cancelled', 'refunded')),
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    price bigint NOT NULL CHECK (price >= 0),
    discount bigint NOT NULL DEFAULT 0 CHECK (discount BETWEEN 0 AND price),
    amount bigint NOT NULL CHECK (amount = price - discount),
    -- The parts of the amount, fixed when the order is made: taxable + cgst + sgst + igst = amount.
    taxable bigint NOT NULL,
    cgst bigint NOT NULL,
    sgst bigint NOT NULL,
    igst bigint NOT NULL,
    tax_rate numeric(5, 2) NOT NULL,
    -- The two digits of a state in GST, and what an invoice to a business names.
    place_of_supply text NOT NULL,
    billing_name text NOT NULL DEFAULT '',
    billing_address text NOT NULL DEFAULT '',
    gstin text NOT NULL DEFAULT '',
    coupon_id text,
    -- As it was typed, in capitals: the same request finds its order again by it.
    coupon_code text NOT NULL DEFAULT '',
    -- Our key at the vendor: it finds the vendor's order again when an answer was lost.
    receipt text NOT NULL UNIQUE,
    vendor_order_id text UNIQUE,
    link_id text UNIQUE,
    -- The vendor's payment that paid the order; 'free_<order>' when nothing was to be paid.
    paid_by text,
    paid_at timestamptz,
    refunded bigint NOT NULL DEFAULT 0 CHECK (refunded BETWEEN 0 AND amount),
    expires_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    rev bigint NOT NULL DEFAULT 1,
    CHECK (taxable + cgst + sgst + igst = amount)
);
-- One order to pay for a user and program at a time.
CREATE UNIQUE INDEX payments_order_unpaid ON payments_order (user_id, program_id)
    WHERE state IN ('created', 'open', 'confirming');
CREATE INDEX payments_order_of_payment ON payments_order (paid_by) WHERE paid_by IS NOT NULL;
CREATE INDEX payments_order_of_user ON payments_order (user_id, id);
CREATE INDEX payments_order_of_buyer ON payments_order (buyer_id, id);
CREATE INDEX payments_order_of_program ON payments_order (program_id, id);
CREATE INDEX payments_order_unfinished ON payments_order (created_at) WHERE state IN ('created', 'open', 'confirming');

-- Each attempt to pay, as far as the vendor has told of it. A row only ever moves up in the order of `states.py`, so that
-- messages may come in any order. It may be made by a refund that came first: then there is no order yet.
CREATE TABLE payments_payment (
    id text PRIMARY KEY,
    order_id text REFERENCES payments_order (id),
    -- The vendor's order; empty until known. Its payments wait here when our row does not know the vendor's order yet.
    vendor_order_id text NOT NULL DEFAULT '',
    state text NOT NULL CHECK (state IN ('unknown', 'created', 'failed', 'authorized', 'captured', 'refunded')),
    -- Whether the money was ours: a payment that the vendor refunds by itself never was.
    captured boolean NOT NULL DEFAULT false,
    -- The payer's page has brought the vendor's signature for it.
    signed boolean NOT NULL DEFAULT false,
    -- What was told of it to others: a failure and an authorization are told once, and not when more is known already.
    announced text NOT NULL DEFAULT '' CHECK (announced IN ('', 'failed', 'authorized', 'mismatch')),
    amount bigint NOT NULL DEFAULT 0,
    currency text NOT NULL DEFAULT '',
    -- The vendor's fee with its tax, and the tax in it; null until known.
    fee bigint,
    tax bigint,
    method text NOT NULL DEFAULT '',
    error_code text NOT NULL DEFAULT '',
    error_reason text NOT NULL DEFAULT '',
    error_text text NOT NULL DEFAULT '',
    created_at timestamptz,
    captured_at timestamptz,
    seen_at timestamptz NOT NULL
);
CREATE INDEX payments_payment_of_order ON payments_payment (order_id);
CREATE INDEX payments_payment_without_order ON payments_payment (vendor_order_id) WHERE order_id IS NULL;

-- A refund that we asked for, or one that the vendor made by itself or its dashboard.
CREATE TABLE payments_refund (
    id text PRIMARY KEY,
    payment_id text NOT NULL REFERENCES payments_payment (id),
    -- Null until the vendor has said it; our id is the idempotency key there.
    vendor_refund_id text UNIQUE,
    origin text NOT NULL CHECK (origin IN ('requested', 'no_place', 'place_given_back', 'extra_payment', 'vendor')),
    state text NOT NULL CHECK (state IN ('requested', 'pending', 'processed', 'failed')),
    amount bigint NOT NULL CHECK (amount > 0),
    currency text NOT NULL,
    keep_place boolean NOT NULL DEFAULT false,
    reason text NOT NULL DEFAULT '',
    requested_by text NOT NULL DEFAULT '',
    -- When it was counted in the books and the order; a refund is counted once.
    processed_at timestamptz,
    created_at timestamptz NOT NULL,
    rev bigint NOT NULL DEFAULT 1
);
CREATE INDEX payments_refund_of_payment ON payments_refund (payment_id);
CREATE INDEX payments_refund_unfinished ON payments_refund (created_at) WHERE state IN ('requested', 'pending');
