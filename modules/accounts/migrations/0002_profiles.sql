CREATE EXTENSION IF NOT EXISTS pg_trgm;

ALTER TABLE account_user
    -- What was said here is not taken over from tokens any more.
    ADD COLUMN name_chosen boolean NOT NULL DEFAULT false,
    ADD COLUMN role_given boolean NOT NULL DEFAULT false,
    ADD COLUMN avatar_url text,
    ADD COLUMN time_zone text,
    ADD COLUMN locale text,
    ADD COLUMN phone text,
    -- For lists; what keeps them out is the kernel's ban.
    ADD COLUMN blocked boolean NOT NULL DEFAULT false,
    -- The row stays, so that a token that is still good makes no new user.
    ADD COLUMN deleted_at timestamptz,
    ADD COLUMN rev bigint NOT NULL DEFAULT 1;
CREATE INDEX account_user_name ON account_user (name, id) WHERE deleted_at IS NULL;
CREATE INDEX account_user_search ON account_user USING gin (name gin_trgm_ops);
CREATE INDEX account_user_phone ON account_user (phone) WHERE phone IS NOT NULL;
CREATE INDEX account_user_admins ON account_user (id) WHERE role = 'admin';

CREATE TABLE account_audit (
    id uuid PRIMARY KEY,
    at timestamptz NOT NULL,
    actor text NOT NULL,
    act text NOT NULL,
    subject text NOT NULL,
    details jsonb NOT NULL,
    request_id text NOT NULL
);
CREATE INDEX account_audit_newest ON account_audit (at, id);
CREATE INDEX account_audit_actor ON account_audit (actor, at, id);
CREATE INDEX account_audit_subject ON account_audit (subject, at, id);
CREATE INDEX account_audit_act ON account_audit (act, at, id);

-- What was done stays done.
CREATE FUNCTION account_audit_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit is only added to';
END
$$;
CREATE TRIGGER account_audit_stays BEFORE UPDATE OR DELETE ON account_audit
    FOR EACH ROW EXECUTE FUNCTION account_audit_stays();
