-- What admins chose for a server or one of its channels; what is inherited has no row. The value is JSON.
CREATE TABLE settings (
    place TEXT NOT NULL CHECK (place IN ('guild', 'channel')),
    place_id BIGINT NOT NULL,
    name TEXT NOT NULL,
    guild_id BIGINT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (place_id, place, name)
);
CREATE INDEX settings_by_guild ON settings (guild_id);

-- Who changed what in a server, and when: one row a thing changed, written with the change itself.
CREATE TABLE audit (
    id BIGINT NOT NULL PRIMARY KEY,
    guild_id BIGINT NOT NULL,
    user_id BIGINT NOT NULL,
    at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    place TEXT NOT NULL,
    place_id BIGINT NOT NULL,
    -- Which of its kind: a setting's name, a limit's id.
    name TEXT NOT NULL,
    -- JSON; null where there was, or is, nothing.
    value_before TEXT NOT NULL,
    value_after TEXT NOT NULL
);
CREATE INDEX audit_by_guild ON audit (guild_id, id);
CREATE INDEX audit_by_thing ON audit (place_id, name, id);

-- The server that a limit is of; 0 for the operator's.
ALTER TABLE limits ADD COLUMN guild_id BIGINT NOT NULL DEFAULT 0;
-- Where the window that "since" is in is counted from, when that is earlier than its start: the server's time zone changed.
ALTER TABLE limits ADD COLUMN counts_from BIGINT;
CREATE INDEX limits_by_guild ON limits (guild_id);
