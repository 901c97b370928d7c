-- name: person_requests
-- In the order of asking, those after a time and an id.
SELECT * FROM usage
WHERE user_id = CAST(:user_id AS BIGINT) AND asked_at >= CAST(:after_at AS BIGINT)
  AND (asked_at > CAST(:after_at AS BIGINT) OR id > CAST(:after_id AS BIGINT))
ORDER BY asked_at, id
LIMIT CAST(:most AS BIGINT);

-- name: person_refusals
SELECT limit_id, window_end, count FROM refusals WHERE user_id = CAST(:user_id AS BIGINT) ORDER BY window_end, limit_id;

-- name: person_counters
-- What running limits have counted for one person.
SELECT c.limit_id, l.metric, l."window", c.window_start, c.window_end, c.used
FROM counters c JOIN limits l ON l.id = c.limit_id
WHERE c.subject_id = CAST(:user_id AS BIGINT) AND l.subject IN ('user', 'role')
ORDER BY c.window_end, c.limit_id;

-- name: person_changes
-- What one person changed in servers, those after an id.
SELECT * FROM audit
WHERE user_id = CAST(:user_id AS BIGINT) AND id > CAST(:after_id AS BIGINT)
ORDER BY id
LIMIT CAST(:most AS BIGINT);

-- name: erase_asked!
-- Before the requests are nobody's.
UPDATE inflight SET request = NULL
WHERE request IS NOT NULL AND request_id IN (SELECT id FROM usage WHERE user_id = CAST(:user_id AS BIGINT));

-- name: erase_requests
-- An open request keeps its holds until it settles.
UPDATE usage
SET user_id = 0, thread_id = CASE surroundings WHEN 'guild' THEN thread_id END,
    channel_id = CASE surroundings WHEN 'guild' THEN channel_id ELSE 0 END,
    holds = CASE state WHEN 'settled' THEN '[]' ELSE holds END
WHERE id IN (SELECT id FROM usage WHERE user_id = CAST(:user_id AS BIGINT) LIMIT CAST(:most AS BIGINT))
RETURNING id;

-- name: forget_holds!
UPDATE usage SET holds = '[]' WHERE id = CAST(:id AS BIGINT) AND state = 'settled';

-- name: nameless_days!
-- Adds the sums of one person to those of nobody.
INSERT INTO usage_days (guild_id, kind, day, channel_id, name, requests, refused, input_tokens, output_tokens, cost)
SELECT guild_id, kind, day, channel_id, '0', SUM(requests), SUM(refused), SUM(input_tokens), SUM(output_tokens), SUM(cost)
FROM usage_days
WHERE kind = 'member' AND name = CAST(:name AS TEXT)
GROUP BY guild_id, kind, day, channel_id
ON CONFLICT (guild_id, kind, day, channel_id, name) DO UPDATE
SET requests = usage_days.requests + excluded.requests,
    refused = usage_days.refused + excluded.refused,
    input_tokens = usage_days.input_tokens + excluded.input_tokens,
    output_tokens = usage_days.output_tokens + excluded.output_tokens,
    cost = usage_days.cost + excluded.cost;

-- name: erase_days!
DELETE FROM usage_days WHERE kind = 'member' AND name = CAST(:name AS TEXT);

-- name: erase_refusals!
DELETE FROM refusals WHERE user_id = CAST(:user_id AS BIGINT);

-- name: erase_counters!
-- Those of running windows that count something count on: erasing them would give a used-up limit back.
DELETE FROM counters
WHERE subject_id = CAST(:user_id AS BIGINT) AND (window_end <= CAST(:now AS BIGINT) OR used = 0)
  AND limit_id IN (SELECT id FROM limits WHERE subject IN ('user', 'role'));

-- name: erase_changes!
UPDATE audit SET user_id = 0 WHERE user_id = CAST(:user_id AS BIGINT);

-- name: note_departure!
INSERT INTO departures (guild_id, at) VALUES (:guild_id, :at) ON CONFLICT (guild_id) DO NOTHING;

-- name: forget_departure!
DELETE FROM departures WHERE guild_id = CAST(:guild_id AS BIGINT);

-- name: departed
SELECT guild_id FROM departures WHERE at < CAST(:before AS BIGINT) ORDER BY at;

-- name: guilds_on_record
SELECT guild_id FROM settings UNION SELECT guild_id FROM limits UNION SELECT guild_id FROM audit
UNION SELECT guild_id FROM usage_days WHERE kind = 'command';

-- name: drop_guild_requests
DELETE FROM usage
WHERE id IN (
    SELECT id FROM usage WHERE guild_id = CAST(:guild_id AS BIGINT) AND surroundings = 'guild' LIMIT CAST(:most AS BIGINT)
)
RETURNING id;

-- name: drop_guild_days!
DELETE FROM usage_days WHERE guild_id = CAST(:guild_id AS BIGINT);

-- name: drop_guild_counters!
DELETE FROM counters
WHERE limit_id IN (SELECT id FROM limits WHERE guild_id = CAST(:guild_id AS BIGINT))
   OR (subject_id = CAST(:guild_id AS BIGINT) AND limit_id IN (SELECT id FROM limits WHERE subject = 'server'));

-- name: drop_guild_refusals!
DELETE FROM refusals WHERE limit_id IN (SELECT id FROM limits WHERE guild_id = CAST(:guild_id AS BIGINT));

-- name: drop_guild_notices!
DELETE FROM notices WHERE guild_id = CAST(:guild_id AS BIGINT);

-- name: drop_guild_limits!
DELETE FROM limits WHERE guild_id = CAST(:guild_id AS BIGINT);

-- name: drop_guild_settings!
DELETE FROM settings WHERE guild_id = CAST(:guild_id AS BIGINT);

-- name: drop_guild_changes!
DELETE FROM audit WHERE guild_id = CAST(:guild_id AS BIGINT);

-- name: retentions
-- The servers whose admins chose how long records are kept.
SELECT guild_id, name, value FROM settings WHERE place = 'guild' AND name = 'retention_days';

-- name: expire_requests
-- Of one server, or of all places that chose nothing.
DELETE FROM usage
WHERE id IN (
    SELECT id FROM usage
    WHERE asked_at < CAST(:before AS BIGINT) AND state = 'settled'
      AND (
        (surroundings = 'guild' AND guild_id = CAST(:guild_id AS BIGINT))
        OR (
            CAST(:guild_id AS BIGINT) IS NULL
            AND CASE surroundings WHEN 'guild' THEN guild_id ELSE 0 END NOT IN (
                SELECT place_id FROM settings WHERE place = 'guild' AND name = 'retention_days'
            )
        )
      )
    ORDER BY asked_at
    LIMIT CAST(:most AS BIGINT)
)
RETURNING id;

-- name: nameless_old_days!
INSERT INTO usage_days (guild_id, kind, day, channel_id, name, requests, refused, input_tokens, output_tokens, cost)
SELECT guild_id, kind, day, channel_id, '0', SUM(requests), SUM(refused), SUM(input_tokens), SUM(output_tokens), SUM(cost)
FROM usage_days
WHERE kind = 'member' AND name <> '0' AND day < CAST(:before_day AS BIGINT)
  AND (
    guild_id = CAST(:guild_id AS BIGINT)
    OR (
        CAST(:guild_id AS BIGINT) IS NULL
        AND guild_id NOT IN (SELECT place_id FROM settings WHERE place = 'guild' AND name = 'retention_days')
    )
  )
GROUP BY guild_id, kind, day, channel_id
ON CONFLICT (guild_id, kind, day, channel_id, name) DO UPDATE
SET requests = usage_days.requests + excluded.requests,
    refused = usage_days.refused + excluded.refused,
    input_tokens = usage_days.input_tokens + excluded.input_tokens,
    output_tokens = usage_days.output_tokens + excluded.output_tokens,
    cost = usage_days.cost + excluded.cost;

-- name: expire_days!
DELETE FROM usage_days
WHERE kind = 'member' AND name <> '0' AND day < CAST(:before_day AS BIGINT)
  AND (
    guild_id = CAST(:guild_id AS BIGINT)
    OR (
        CAST(:guild_id AS BIGINT) IS NULL
        AND guild_id NOT IN (SELECT place_id FROM settings WHERE place = 'guild' AND name = 'retention_days')
    )
  );

-- name: expire_changes!
DELETE FROM audit
WHERE at < CAST(:before AS BIGINT)
  AND (
    guild_id = CAST(:guild_id AS BIGINT)
    OR (
        CAST(:guild_id AS BIGINT) IS NULL
        AND guild_id NOT IN (SELECT place_id FROM settings WHERE place = 'guild' AND name = 'retention_days')
    )
  );
