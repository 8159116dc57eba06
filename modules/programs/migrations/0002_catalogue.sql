ALTER TABLE program
    ADD COLUMN summary text NOT NULL DEFAULT '',
    ADD COLUMN co_mentors text[] NOT NULL DEFAULT '{}',
    ADD COLUMN state text NOT NULL DEFAULT 'draft' CHECK (state IN ('draft', 'published', 'archived')),
    -- Minor units of an ISO 4217 currency.
    ADD COLUMN price bigint NOT NULL DEFAULT 0 CHECK (price >= 0),
    ADD COLUMN currency text NOT NULL DEFAULT 'INR' CHECK (currency ~ '^[A-Z]{3}$'),
    -- Null: as many as come.
    ADD COLUMN capacity bigint CHECK (capacity >= 1),
    ADD COLUMN rev bigint NOT NULL DEFAULT 1,
    ADD COLUMN search tsvector NOT NULL GENERATED ALWAYS AS (
        setweight(to_tsvector('english', title), 'A') || setweight(to_tsvector('english', summary), 'B')
    ) STORED;
-- Those of before there were states were open to whoever was enrolled.
UPDATE program SET state = 'published';
CREATE INDEX program_search ON program USING gin (search);
CREATE INDEX program_newest ON program (created_at, id) WHERE state = 'published';
CREATE INDEX program_mentor ON program (mentor_id);
CREATE INDEX program_co_mentors ON program USING gin (co_mentors);

-- The id is the order of the waiting list: it is drawn under the lock of the program's row.
ALTER TABLE program_enrolment
    ADD COLUMN state text NOT NULL DEFAULT 'enrolled' CHECK (state IN ('enrolled', 'waiting')),
    ADD COLUMN payment_id text UNIQUE;
CREATE INDEX program_enrolment_order ON program_enrolment (program_id, state, id);
