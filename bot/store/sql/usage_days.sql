-- name: count_usage!
-- Adds a request that was just settled to the sums of its day; -1 times, takes it out of them.
INSERT INTO usage_days (guild_id, kind, day, channel_id, name, requests, refused, input_tokens, output_tokens, cost)
SELECT CASE surroundings WHEN 'guild' THEN guild_id ELSE 0 END, kind, asked_at / 86400000, CASE surroundings WHEN 'guild' THEN channel_id ELSE 0 END, name,
    requests * CAST(:times AS BIGINT), refused * CAST(:times AS BIGINT), input_tokens * CAST(:times AS BIGINT),
    output_tokens * CAST(:times AS BIGINT), cost * CAST(:times AS BIGINT)
FROM usage_parts
WHERE usage_id = CAST(:id AS BIGINT)
ON CONFLICT (guild_id, kind, day, channel_id, name) DO UPDATE
SET requests = usage_days.requests + excluded.requests,
    refused = usage_days.refused + excluded.refused,
    input_tokens = usage_days.input_tokens + excluded.input_tokens,
    output_tokens = usage_days.output_tokens + excluded.output_tokens,
    cost = usage_days.cost + excluded.cost;

-- name: days_of_guild
SELECT name, SUM(requests) AS requests, SUM(refused) AS refused,
    SUM(input_tokens) AS input_tokens, SUM(output_tokens) AS output_tokens, SUM(cost) AS cost
FROM usage_days
WHERE guild_id = CAST(:guild_id AS BIGINT) AND kind = CAST(:kind AS TEXT)
  AND day >= CAST(:first_day AS BIGINT) AND day < CAST(:end_day AS BIGINT)
  AND (CAST(:channel_id AS BIGINT) IS NULL OR channel_id = CAST(:channel_id AS BIGINT))
GROUP BY name;

-- name: channels_of_guild
-- A quarter of an hour never reaches across midnight, in any time zone.
SELECT channel_id AS name, SUM(requests) AS requests, SUM(refused) AS refused,
    SUM(input_tokens) AS input_tokens, SUM(output_tokens) AS output_tokens, SUM(cost) AS cost
FROM usage_days
WHERE guild_id = CAST(:guild_id AS BIGINT) AND kind = 'quarter'
  AND day >= CAST(:first_day AS BIGINT) AND day < CAST(:end_day AS BIGINT)
  AND CAST(name AS BIGINT) >= CAST(:first_quarter AS BIGINT) AND CAST(name AS BIGINT) < CAST(:end_quarter AS BIGINT)
  AND (CAST(:channel_id AS BIGINT) IS NULL OR channel_id = CAST(:channel_id AS BIGINT))
GROUP BY channel_id;

-- name: days_of_all
SELECT name, SUM(requests) AS requests, SUM(refused) AS refused,
    SUM(input_tokens) AS input_tokens, SUM(output_tokens) AS output_tokens, SUM(cost) AS cost
FROM usage_days
WHERE kind = CAST(:kind AS TEXT) AND day >= CAST(:first_day AS BIGINT) AND day < CAST(:end_day AS BIGINT)
GROUP BY name;

-- name: channels_of_all
SELECT channel_id AS name, SUM(requests) AS requests, SUM(refused) AS refused,
    SUM(input_tokens) AS input_tokens, SUM(output_tokens) AS output_tokens, SUM(cost) AS cost
FROM usage_days
WHERE kind = 'command' AND day >= CAST(:first_day AS BIGINT) AND day < CAST(:end_day AS BIGINT)
GROUP BY channel_id;

-- name: guilds_of_all
SELECT guild_id AS name, SUM(requests) AS requests, SUM(refused) AS refused,
    SUM(input_tokens) AS input_tokens, SUM(output_tokens) AS output_tokens, SUM(cost) AS cost
FROM usage_days
WHERE kind = 'command' AND day >= CAST(:first_day AS BIGINT) AND day < CAST(:end_day AS BIGINT)
GROUP BY guild_id;

-- name: parts_of_guild
-- From the rows themselves, for the hours of a day that the day's sums cannot tell apart.
SELECT name, SUM(requests) AS requests, SUM(refused) AS refused,
    SUM(input_tokens) AS input_tokens, SUM(output_tokens) AS output_tokens, SUM(cost) AS cost
FROM usage_parts
WHERE guild_id = CAST(:guild_id AS BIGINT) AND surroundings = 'guild' AND kind = CAST(:kind AS TEXT)
  AND asked_at >= CAST(:span_start AS BIGINT) AND asked_at < CAST(:span_end AS BIGINT)
  AND (CAST(:channel_id AS BIGINT) IS NULL OR channel_id = CAST(:channel_id AS BIGINT))
GROUP BY name;

-- name: parts_of_user
SELECT name, SUM(requests) AS requests, SUM(refused) AS refused,
    SUM(input_tokens) AS input_tokens, SUM(output_tokens) AS output_tokens, SUM(cost) AS cost
FROM usage_parts
WHERE user_id = CAST(:user_id AS BIGINT) AND kind = CAST(:kind AS TEXT)
  AND asked_at >= CAST(:span_start AS BIGINT) AND asked_at < CAST(:span_end AS BIGINT)
  AND (CAST(:guild_id AS BIGINT) IS NULL OR (guild_id = CAST(:guild_id AS BIGINT) AND surroundings = 'guild'))
  AND (CAST(:channel_id AS BIGINT) IS NULL OR channel_id = CAST(:channel_id AS BIGINT))
GROUP BY name;

-- name: channels_of_user
SELECT channel_id AS name, SUM(requests) AS requests, SUM(refused) AS refused,
    SUM(input_tokens) AS input_tokens, SUM(output_tokens) AS output_tokens, SUM(cost) AS cost
FROM usage_parts
WHERE user_id = CAST(:user_id AS BIGINT) AND kind = 'command'
  AND asked_at >= CAST(:span_start AS BIGINT) AND asked_at < CAST(:span_end AS BIGINT)
  AND (CAST(:guild_id AS BIGINT) IS NULL OR (guild_id = CAST(:guild_id AS BIGINT) AND surroundings = 'guild'))
  AND (CAST(:channel_id AS BIGINT) IS NULL OR channel_id = CAST(:channel_id AS BIGINT))
GROUP BY channel_id;

-- name: usage_page_of_guild
-- In the order of asking, those after a time and an id.
SELECT * FROM usage
WHERE guild_id = CAST(:guild_id AS BIGINT) AND surroundings = 'guild' AND state = 'settled'
  AND asked_at >= CAST(:after_at AS BIGINT) AND asked_at < CAST(:span_end AS BIGINT)
  AND (asked_at > CAST(:after_at AS BIGINT) OR id > CAST(:after_id AS BIGINT))
ORDER BY asked_at, id
LIMIT CAST(:most AS BIGINT);

-- name: usage_page_of_all
SELECT * FROM usage
WHERE state = 'settled' AND asked_at >= CAST(:after_at AS BIGINT) AND asked_at < CAST(:span_end AS BIGINT)
  AND (asked_at > CAST(:after_at AS BIGINT) OR id > CAST(:after_id AS BIGINT))
ORDER BY asked_at, id
LIMIT CAST(:most AS BIGINT);
