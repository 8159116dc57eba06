ALTER TABLE account_user
    ADD COLUMN email text,
    -- Whether the issuer of tokens, or the user pool, knows it to be the user's.
    ADD COLUMN email_verified boolean NOT NULL DEFAULT false,
    -- When that was said: an older token does not bring an older address back. Of a user without an address, when the
    -- user pool had none.
    ADD COLUMN email_at timestamptz;
CREATE INDEX account_user_email ON account_user (lower(email)) WHERE email IS NOT NULL;
