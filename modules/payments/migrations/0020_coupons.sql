CREATE TABLE payments_coupon (
    id text PRIMARY KEY,
    -- In upper case, as it is compared.
    code text NOT NULL UNIQUE,
    -- Null: for every program.
    program_id text,
    kind text NOT NULL CHECK (kind IN ('percent', 'amount')),
    -- Hundredths of a percent, or minor units of `currency`.
    value bigint NOT NULL CHECK (value > 0),
    currency text NOT NULL DEFAULT '',
    most_discount bigint,
    limit_total bigint,
    limit_user bigint,
    starts_at timestamptz,
    ends_at timestamptz,
    active boolean NOT NULL DEFAULT true,
    -- Orders that hold a use of it: changed in the order's transaction by a conditional update, which holds the limit.
    -- A late payment and a limit that was lowered since may leave it above.
    used bigint NOT NULL DEFAULT 0 CHECK (used >= 0),
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    rev bigint NOT NULL DEFAULT 1
);
CREATE INDEX payments_coupon_of_program ON payments_coupon (program_id, created_at, id);
CREATE TABLE payments_coupon_use (
    coupon_id text NOT NULL REFERENCES payments_coupon (id),
    order_id text NOT NULL REFERENCES payments_order (id),
    user_id text NOT NULL,
    PRIMARY KEY (coupon_id, order_id)
);
CREATE INDEX payments_coupon_use_of_order ON payments_coupon_use (order_id);
CREATE INDEX payments_coupon_use_of_user ON payments_coupon_use (coupon_id, user_id);
