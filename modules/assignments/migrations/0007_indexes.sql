-- A grade book reads what the students of one program have turned in, alone and in groups.
CREATE INDEX assignments_submission_program ON assignments_submission (program_id);
CREATE INDEX assignments_submission_group ON assignments_submission (group_id) WHERE group_id IS NOT NULL;
