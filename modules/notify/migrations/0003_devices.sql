-- An installation of the app: a phone, or a browser. It has one user and one address, and an address is in one place.
CREATE TABLE notify_device (
    -- The app makes it up when it is installed.
    installation text PRIMARY KEY,
    user_id text NOT NULL,
    platform text NOT NULL CHECK (platform IN ('android', 'ios', 'web')),
    -- A registration token, or a Firebase installation id.
    address_kind text NOT NULL CHECK (address_kind IN ('token', 'fid')),
    address text NOT NULL UNIQUE,
    app text NOT NULL DEFAULT '',
    locale text NOT NULL DEFAULT '',
    registered_at timestamptz NOT NULL,
    -- When the app last said that it is there.
    seen_at timestamptz NOT NULL
);
CREATE INDEX notify_device_user ON notify_device (user_id, seen_at);
CREATE INDEX notify_device_seen ON notify_device (seen_at);

-- What became of a delivery at one device, as far as that is known: it is not sent there again.
CREATE TABLE notify_push (
    delivery_id uuid NOT NULL REFERENCES notify_delivery (id) ON DELETE CASCADE,
    installation text NOT NULL,
    state text NOT NULL CHECK (state IN ('sent', 'gone', 'failed')),
    reason text NOT NULL DEFAULT '',
    vendor_id text NOT NULL DEFAULT '',
    PRIMARY KEY (delivery_id, installation)
);
