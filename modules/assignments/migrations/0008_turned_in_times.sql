-- Analytics compares what was turned in on each day with its facts.
CREATE INDEX assignments_attempt_turned_in ON assignments_attempt (turned_in_at);
