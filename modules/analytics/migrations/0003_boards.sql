-- Dashboards that people make themselves. Widgets are questions; the rights of whoever reads decide the answers.
CREATE TABLE analytics_board (
    id uuid PRIMARY KEY,
    owner_id text NOT NULL,
    title text NOT NULL,
    widgets jsonb NOT NULL,
    -- With whom it is shared: whoever has one of the roles, takes part in one of the programs, or is named.
    roles text[] NOT NULL DEFAULT '{}',
    programs text[] NOT NULL DEFAULT '{}',
    users text[] NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    rev bigint NOT NULL
);
CREATE INDEX analytics_board_owner ON analytics_board (owner_id, id);
CREATE INDEX analytics_board_roles ON analytics_board USING gin (roles);
CREATE INDEX analytics_board_programs ON analytics_board USING gin (programs);
CREATE INDEX analytics_board_users ON analytics_board USING gin (users);
