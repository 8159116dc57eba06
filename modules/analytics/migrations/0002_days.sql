-- What counts of each day, by program: of registers their latest facts, of all other names every fact.
-- Figures of whole days over all programs are read from here. Days are those of the platform's zone.
CREATE TABLE analytics_day (
    name text NOT NULL,
    day date NOT NULL,
    program_id text NOT NULL,
    label text NOT NULL,
    -- May be 0: the fact that was counted here is no longer the latest of its key.
    count bigint NOT NULL,
    value bigint NOT NULL,
    PRIMARY KEY (name, day, program_id, label)
) WITH (fillfactor = 70);

-- The day in which a register is counted, so that it can be taken back. A rebuild sets those of before.
ALTER TABLE analytics_register ADD COLUMN day date NOT NULL DEFAULT '-infinity';
ALTER TABLE analytics_register ALTER COLUMN day DROP DEFAULT;
-- A register that changes gets new entries in these indexes anyway, so room for it on its page would be wasted.
ALTER TABLE analytics_register SET (fillfactor = 100);
-- Figures are read from the indexes alone: rows lie in the order of storing, and each would be a page of its own.
CREATE INDEX analytics_register_at ON analytics_register (name, at)
    INCLUDE (label, value, program_id, session_id, subject);
DROP INDEX analytics_register_program;
CREATE INDEX analytics_register_program ON analytics_register (program_id, name, at)
    INCLUDE (label, value, session_id, subject);
-- For completion: all that was ever done.
CREATE INDEX analytics_register_done ON analytics_register (name, program_id) INCLUDE (subject, at, label, key)
    WHERE name IN ('programs.lesson_done', 'assignments.turned_in');

-- A label goes with few names. Without this PostgreSQL expects a hundredth of the rows that there are, and loops.
CREATE STATISTICS analytics_register_labels (mcv) ON name, label FROM analytics_register;
