-- An upload and what became of it. The key of its object is made by the server, and is in no list.
CREATE TABLE file (
    id text PRIMARY KEY,
    owner_id text NOT NULL,
    purpose text NOT NULL,
    -- What the purpose was asked about: a room, a program, an assignment.
    target text NOT NULL,
    -- What it counts in besides its owner, such as program:<id>; empty is nothing.
    quota text NOT NULL DEFAULT '',
    name text NOT NULL,
    type text NOT NULL,
    size bigint NOT NULL CHECK (size > 0),
    sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    object_key text NOT NULL UNIQUE,
    -- Of an upload in parts.
    upload_id text,
    part_bytes bigint,
    state text NOT NULL CHECK (state IN ('pending', 'quarantined', 'clean', 'rejected', 'deleted')),
    -- A stable word when it was rejected.
    reason text NOT NULL DEFAULT '',
    -- In pixels, of images, as they are shown.
    width int,
    height int,
    -- Pictures that were made of it, such as `thumbnail`.
    renditions text[] NOT NULL DEFAULT '{}',
    begun_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    stored_at timestamptz,
    cleared_at timestamptz,
    -- When nothing held it any more, or nothing has ever.
    unheld_at timestamptz,
    -- From then on the object is being deleted, and nothing may hold the file any more.
    deleting_at timestamptz,
    -- When the bucket said that the object is not there.
    removed_at timestamptz,
    -- What the scan came to: clean, infected, unscanned (the scanner was silent), too_large, none (there is no scanner).
    scan text NOT NULL DEFAULT '',
    -- Scans that failed, and when the next one is due.
    scan_tries int NOT NULL DEFAULT 0,
    scan_at timestamptz,
    -- Until then a gateway has it to delete it.
    sweep_until timestamptz,
    rev bigint NOT NULL DEFAULT 1
);
CREATE INDEX file_owner ON file (owner_id, id);
CREATE INDEX file_quota ON file (quota) WHERE quota <> '';
CREATE INDEX file_unfinished ON file (expires_at) WHERE state = 'pending';
CREATE INDEX file_quarantined ON file (stored_at) WHERE state = 'quarantined';
CREATE INDEX file_unheld ON file (unheld_at) WHERE unheld_at IS NOT NULL;
CREATE INDEX file_deleting ON file (deleting_at) WHERE deleting_at IS NOT NULL AND removed_at IS NULL;

-- What holds a file: `<module>.<thing>:<id>`. Its position is the order within the holder.
CREATE TABLE file_reference (
    holder text NOT NULL,
    file_id text NOT NULL REFERENCES file (id),
    position int NOT NULL,
    PRIMARY KEY (holder, file_id)
);
CREATE INDEX file_reference_file ON file_reference (file_id);

-- The walk over the bucket: how far it has come, and when it goes on. There is one row.
CREATE TABLE file_walk (
    name text PRIMARY KEY,
    after_key text NOT NULL DEFAULT '',
    next_at timestamptz NOT NULL
);
