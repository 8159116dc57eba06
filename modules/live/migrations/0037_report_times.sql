-- Analytics compares the classes of each day with its facts.
CREATE INDEX live_report_ended ON live_report (ended_at);
