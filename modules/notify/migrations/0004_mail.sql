-- Addresses that mail of some kinds, or any mail, does not go to.
CREATE TABLE notify_suppression (
    id uuid PRIMARY KEY,
    -- In lower case.
    address text NOT NULL,
    -- Empty: all mail. Else a category of kinds, or the name of one kind: of a receipt.
    scope text NOT NULL,
    reason text NOT NULL CHECK (reason IN ('bounced', 'complained')),
    -- Whose address it was.
    user_id text NOT NULL,
    -- What the vendor said of it.
    detail text NOT NULL,
    at timestamptz NOT NULL,
    UNIQUE (address, scope)
);
CREATE INDEX notify_suppression_user ON notify_suppression (user_id);

-- Deliveries that were handed to the vendor, and when. Of one that is not here the vendor has never heard.
CREATE TABLE notify_mail (
    delivery_id uuid PRIMARY KEY REFERENCES notify_delivery (id) ON DELETE CASCADE,
    begun_at timestamptz NOT NULL
);

-- What the links in mails are signed with: 244 random bits, the same on every gateway.
CREATE TABLE notify_mail_key (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    secret bytea NOT NULL
);
INSERT INTO notify_mail_key (secret) VALUES (uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));
