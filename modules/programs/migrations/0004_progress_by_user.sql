-- What a user takes along, and what goes with them.
CREATE INDEX program_progress_user ON program_progress (user_id);
