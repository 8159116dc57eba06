-- What a user takes part in, asked for each list of sessions.
CREATE INDEX program_enrolment_user ON program_enrolment (user_id);
CREATE INDEX program_open ON program (id) WHERE open_to_all;
