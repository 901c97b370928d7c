-- Servers that the bot is no longer in, and since when; they are erased after a while.
CREATE TABLE departures (
    guild_id BIGINT NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL
);
