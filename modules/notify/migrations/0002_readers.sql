-- What a user has chosen. A user without a row has chosen nothing.
CREATE TABLE notify_reader (
    user_id text PRIMARY KEY,
    -- A BCP 47 tag; null is the language of the profile.
    language text,
    -- Wall times of the user's zone; both or none. They may stand over midnight.
    quiet_from time,
    quiet_until time,
    rev bigint NOT NULL,
    CHECK ((quiet_from IS NULL) = (quiet_until IS NULL)),
    CHECK (quiet_from <> quiet_until)
);

-- What a user has turned on or off; without a row the kind's own default counts.
CREATE TABLE notify_preference (
    user_id text NOT NULL,
    -- A category, or the name of one kind, which counts for more.
    name text NOT NULL,
    channel text NOT NULL,
    wanted boolean NOT NULL,
    PRIMARY KEY (user_id, name, channel)
);

-- A room that a user hears nothing of.
CREATE TABLE notify_mute (
    user_id text NOT NULL,
    room text NOT NULL,
    -- Null: until the user takes it back.
    until timestamptz,
    PRIMARY KEY (user_id, room)
);

-- The state of a user's list in the app. `rev` rises with every change of what is unread or unseen.
CREATE TABLE notify_inbox (
    user_id text PRIMARY KEY,
    rev bigint NOT NULL,
    -- All notifications up to this one are read.
    read_to uuid
);
CREATE INDEX notify_notification_unread ON notify_notification (user_id)
    WHERE in_app AND withdrawn_at IS NULL AND (read_at IS NULL OR seen_at IS NULL);

-- Whatever changes a list, in whichever statement: the revision of its count rises in the same transaction. Rows are
-- written in the order of the users, so that two pages of users wait for each other and never in a circle.
CREATE FUNCTION notify_inbox_arrived() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO notify_inbox AS inbox (user_id, rev)
    SELECT DISTINCT user_id, 1 FROM changed WHERE in_app AND withdrawn_at IS NULL ORDER BY user_id
    ON CONFLICT (user_id) DO UPDATE SET rev = inbox.rev + 1;
    RETURN NULL;
END
$$;
CREATE FUNCTION notify_inbox_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO notify_inbox AS inbox (user_id, rev)
    SELECT DISTINCT one.user_id, 1 FROM changed AS one JOIN was USING (id)
    WHERE (one.in_app, one.seen_at IS NULL, one.read_at IS NULL, one.withdrawn_at IS NULL)
        IS DISTINCT FROM (was.in_app, was.seen_at IS NULL, was.read_at IS NULL, was.withdrawn_at IS NULL)
    ORDER BY 1
    ON CONFLICT (user_id) DO UPDATE SET rev = inbox.rev + 1;
    RETURN NULL;
END
$$;
CREATE TRIGGER notify_inbox_arrived AFTER INSERT ON notify_notification
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION notify_inbox_arrived();
CREATE TRIGGER notify_inbox_changed AFTER UPDATE ON notify_notification
    REFERENCING NEW TABLE AS changed OLD TABLE AS was FOR EACH STATEMENT EXECUTE FUNCTION notify_inbox_changed();
CREATE TRIGGER notify_inbox_left AFTER DELETE ON notify_notification
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION notify_inbox_arrived();

-- What a user was told as one on a channel: everything that was collected until `window_end`.
CREATE TABLE notify_digest (
    id uuid PRIMARY KEY,
    user_id text NOT NULL,
    channel text NOT NULL,
    -- Where the digest before it ended, or when the first of its notifications was written.
    window_start timestamptz NOT NULL,
    window_end timestamptz NOT NULL,
    -- The delivery that carries all of them.
    delivery_id uuid NOT NULL REFERENCES notify_delivery (id) ON DELETE CASCADE,
    created_at timestamptz NOT NULL,
    UNIQUE (user_id, channel, window_end)
);
CREATE INDEX notify_digest_delivery ON notify_digest (delivery_id);

-- The end of the window that a delivery is collected for, and the digest that it became a part of.
ALTER TABLE notify_delivery ADD COLUMN digest_at timestamptz, ADD COLUMN digest_id uuid;
CREATE INDEX notify_delivery_collected ON notify_delivery (user_id, channel, digest_at)
    WHERE digest_at IS NOT NULL AND digest_id IS NULL;
CREATE INDEX notify_delivery_digest ON notify_delivery (digest_id) WHERE digest_id IS NOT NULL;
