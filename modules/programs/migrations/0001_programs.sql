CREATE TABLE program (
    id text PRIMARY KEY,
    title text NOT NULL,
    mentor_id text NOT NULL,
    open_to_all boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE program_enrolment (
    id bigserial PRIMARY KEY,
    program_id text NOT NULL REFERENCES program (id),
    user_id text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (program_id, user_id)
);
