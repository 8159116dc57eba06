-- Analytics compares what was completed on each day with its facts.
CREATE INDEX program_progress_completed ON program_progress (completed_at) WHERE completed_at IS NOT NULL;
CREATE INDEX program_student_completed ON program_student (completed_at) WHERE completed_at IS NOT NULL;
