-- name: limits_reaching
-- Those of the bot and of the places given; the caller matches kinds of places, since a channel and a server may share an id.
SELECT id, place, place_id, subject, role_id, metric, "window", amount, command, guild_id, since, counts_from,
    (SELECT value FROM settings WHERE place = 'guild' AND place_id = CAST(:guild_id AS BIGINT) AND name = 'time_zone') AS time_zone
FROM limits
WHERE place_id IN (0, CAST(:guild_id AS BIGINT), CAST(:category_id AS BIGINT), CAST(:channel_id AS BIGINT))
ORDER BY id;

-- name: limits_at
SELECT id, place, place_id, subject, role_id, metric, "window", amount, command, guild_id, since, counts_from
FROM limits
WHERE place = :place AND place_id = CAST(:place_id AS BIGINT)
ORDER BY id;

-- name: limits_in
SELECT id, place, place_id, subject, role_id, metric, "window", amount, command, guild_id, since, counts_from
FROM limits
WHERE guild_id = CAST(:guild_id AS BIGINT)
ORDER BY id;

-- name: set_limit!
INSERT INTO limits (id, place, place_id, subject, role_id, metric, "window", amount, command, guild_id, since)
VALUES (:id, :place, :place_id, :subject, :role_id, :metric, :window, :amount, :command, :guild_id, :since)
ON CONFLICT (id) DO UPDATE SET amount = excluded.amount;

-- name: clear_limit!
DELETE FROM limits WHERE id = CAST(:id AS BIGINT);

-- name: clear_counters!
DELETE FROM counters WHERE limit_id = CAST(:limit_id AS BIGINT);

-- name: recount_limits!
-- Those that count days or months, when these begin elsewhere: what is counted now, the window that now begins counts as well.
UPDATE limits
SET counts_from = CASE
        WHEN since >= CAST(:window_start AS BIGINT) AND counts_from < CAST(:window_start AS BIGINT) THEN counts_from
        ELSE CAST(:window_start AS BIGINT)
    END,
    since = CAST(:now AS BIGINT)
WHERE guild_id = CAST(:guild_id AS BIGINT) AND "window" = :window;

-- name: drop_counters!
DELETE FROM counters
WHERE window_end > CAST(:now AS BIGINT)
  AND limit_id IN (SELECT id FROM limits WHERE guild_id = CAST(:guild_id AS BIGINT) AND "window" = :window);
