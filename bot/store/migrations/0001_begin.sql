-- One row a request. Text of prompts and answers is never kept here. Times are milliseconds since 1970 in UTC, money is nano-dollars.
CREATE TABLE usage (
    id BIGINT NOT NULL PRIMARY KEY,
    user_id BIGINT NOT NULL,
    guild_id BIGINT,
    category_id BIGINT,
    channel_id BIGINT NOT NULL,
    thread_id BIGINT,
    surroundings TEXT NOT NULL,
    command TEXT NOT NULL,
    model TEXT NOT NULL,
    visibility TEXT NOT NULL,
    locale TEXT NOT NULL,
    asked_at BIGINT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('open', 'settled')),
    ending TEXT,
    error TEXT,
    input_tokens BIGINT NOT NULL DEFAULT 0,
    output_tokens BIGINT NOT NULL DEFAULT 0,
    cost BIGINT NOT NULL DEFAULT 0,
    first_text_ms BIGINT,
    total_ms BIGINT,
    -- The upper bound taken from the limits while open; afterwards what it was.
    reserved_tokens BIGINT NOT NULL DEFAULT 0,
    reserved_cost BIGINT NOT NULL DEFAULT 0,
    -- 1 while it counts against limits; 0 when it gave everything back.
    counts BIGINT NOT NULL DEFAULT 1,
    -- The counters it was taken from, as JSON: [[limit_id, subject_id, window_start, metric], ...].
    holds TEXT NOT NULL DEFAULT '[]',
    settled_at BIGINT,
    -- What went in, as JSON: small numbers and kinds such as messages read; never names or text.
    facts TEXT NOT NULL DEFAULT '{}'
);
CREATE INDEX usage_by_user ON usage (user_id, asked_at);
CREATE INDEX usage_by_guild ON usage (guild_id, asked_at);
CREATE INDEX usage_by_time ON usage (asked_at);
CREATE INDEX usage_open ON usage (asked_at) WHERE state = 'open';

-- One row a model call, written before the call.
CREATE TABLE predictions (
    id BIGINT NOT NULL PRIMARY KEY,
    usage_id BIGINT NOT NULL REFERENCES usage (id) ON DELETE CASCADE,
    provider TEXT NOT NULL,
    provider_id TEXT,
    model TEXT NOT NULL,
    state TEXT NOT NULL,
    reserved_tokens BIGINT NOT NULL,
    reserved_cost BIGINT NOT NULL,
    input_tokens BIGINT NOT NULL DEFAULT 0,
    output_tokens BIGINT NOT NULL DEFAULT 0,
    cost BIGINT NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL,
    ended_at BIGINT,
    -- Sampling options as JSON.
    settings TEXT NOT NULL
);
CREATE INDEX predictions_by_usage ON predictions (usage_id);

-- What a subject may use of a metric in a window, in a place; the operator's own are at place 'bot'.
CREATE TABLE limits (
    id BIGINT NOT NULL PRIMARY KEY,
    place TEXT NOT NULL,
    place_id BIGINT NOT NULL,
    subject TEXT NOT NULL,
    role_id BIGINT NOT NULL,
    metric TEXT NOT NULL,
    "window" TEXT NOT NULL,
    amount BIGINT NOT NULL,
    command TEXT,
    -- When it began: a window that began before is counted from the usage rows.
    since BIGINT NOT NULL
);
CREATE INDEX limits_by_place ON limits (place_id);

-- How much of a limit a subject has taken in a window, reservations included.
CREATE TABLE counters (
    limit_id BIGINT NOT NULL,
    subject_id BIGINT NOT NULL,
    window_start BIGINT NOT NULL,
    window_end BIGINT NOT NULL,
    used BIGINT NOT NULL,
    PRIMARY KEY (limit_id, subject_id, window_start)
);

-- Single facts to remember, such as the hash of the commands last synced.
CREATE TABLE marks (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);
