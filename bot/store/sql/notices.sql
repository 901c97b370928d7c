-- name: write_notice^
-- Where a server's budget has come so far, its admins chose a channel, and they were not told of this or of more.
INSERT INTO notices (limit_id, window_end, amount, percent, guild_id, used, claimed_until)
SELECT l.id, CAST(:window_end AS BIGINT), l.amount, CAST(:percent AS BIGINT), l.guild_id, CAST(:used AS BIGINT), 1
FROM limits l
WHERE l.id = CAST(:limit_id AS BIGINT) AND l.guild_id <> 0 AND l.subject = 'everyone' AND l.metric = 'cost' AND l.amount > 0
  AND CAST(:used AS BIGINT) * 100 >= l.amount * CAST(:from_percent AS BIGINT)
  AND EXISTS (SELECT 1 FROM settings s WHERE s.place = 'guild' AND s.place_id = l.guild_id AND s.name = 'notices')
  AND NOT EXISTS (
    SELECT 1 FROM notices n
    WHERE n.limit_id = l.id AND n.window_end = CAST(:window_end AS BIGINT) AND n.amount = l.amount AND n.percent >= CAST(:percent AS BIGINT)
  )
ON CONFLICT (limit_id, window_end, amount, percent) DO NOTHING
RETURNING limit_id;

-- name: untold_notices
SELECT n.limit_id, n.window_end, n.amount, n.percent, n.used, n.guild_id,
    l.id, l.place, l.place_id, l.subject, l.role_id, l.metric, l."window", l.command, l.since, l.counts_from,
    (SELECT value FROM settings s WHERE s.place = 'guild' AND s.place_id = n.guild_id AND s.name = 'notices') AS channel
FROM notices n JOIN limits l ON l.id = n.limit_id
WHERE n.claimed_until > 0 AND n.window_end > CAST(:now AS BIGINT)
ORDER BY n.guild_id, n.limit_id, n.percent;

-- name: claim_notice^
UPDATE notices SET claimed_until = CAST(:until AS BIGINT)
WHERE limit_id = CAST(:limit_id AS BIGINT) AND window_end = CAST(:window_end AS BIGINT) AND amount = CAST(:amount AS BIGINT)
  AND percent = CAST(:percent AS BIGINT) AND claimed_until > 0 AND claimed_until <= CAST(:now AS BIGINT)
RETURNING limit_id;

-- name: told_notice!
UPDATE notices SET claimed_until = 0
WHERE limit_id = CAST(:limit_id AS BIGINT) AND window_end = CAST(:window_end AS BIGINT) AND amount = CAST(:amount AS BIGINT)
  AND percent = CAST(:percent AS BIGINT);

-- name: forget_notices!
DELETE FROM notices WHERE window_end < CAST(:before AS BIGINT);
