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
-- For figures over all programs.
CREATE INDEX analytics_register_at ON analytics_register (name, at);
