-- When the session got its present `rev`, as calendars show it.
ALTER TABLE live_session ADD COLUMN updated_at timestamptz NOT NULL DEFAULT now();
