-- An order that is paid by a link of the vendor's, whose reference is the order's receipt.
CREATE TABLE payments_link (
    order_id text PRIMARY KEY REFERENCES payments_order (id),
    created_by text NOT NULL,
    -- Where it is paid; empty until the vendor has made it.
    url text NOT NULL DEFAULT ''
);
