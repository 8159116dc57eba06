-- Revenue is read, and analytics compares it with its facts, by when orders were made and paid.
CREATE INDEX payments_order_created ON payments_order (created_at);
CREATE INDEX payments_order_paid ON payments_order (paid_at) WHERE paid_at IS NOT NULL;
