-- How often a person was refused by a limit in a window: the first time is a row of "usage", those after it are only counted.
CREATE TABLE refusals (
    limit_id BIGINT NOT NULL,
    user_id BIGINT NOT NULL,
    window_end BIGINT NOT NULL,
    -- The one counted last, which counts once however often it is written.
    request_id BIGINT NOT NULL,
    count BIGINT NOT NULL,
    PRIMARY KEY (limit_id, user_id, window_end)
);

-- What admins are told of a server's budgets: once for each window and part of an amount, in percent.
CREATE TABLE notices (
    limit_id BIGINT NOT NULL,
    window_end BIGINT NOT NULL,
    amount BIGINT NOT NULL,
    percent BIGINT NOT NULL,
    guild_id BIGINT NOT NULL,
    used BIGINT NOT NULL,
    -- Until when a process has it to itself; 0 once it is told.
    claimed_until BIGINT NOT NULL,
    PRIMARY KEY (limit_id, window_end, amount, percent)
);
CREATE INDEX notices_untold ON notices (guild_id) WHERE claimed_until > 0;
