-- name: open_inflight^
-- Nothing where another process answers the same command or message.
INSERT INTO inflight (
    request_id, owner, lease_until, application_id, channel_id, token, expires_at, reply_to, quoted, request, instead_of
)
VALUES (
    :request_id, :owner, :lease_until, :application_id, :channel_id, :token, :expires_at, :reply_to, :quoted, :request, :instead_of
)
ON CONFLICT DO NOTHING
RETURNING request_id;

-- name: move_inflight!
-- Only its owner says where an answer stands.
UPDATE inflight
SET channel_id = :channel_id, token = :token, expires_at = :expires_at, reply_to = :reply_to, messages = :messages
WHERE request_id = CAST(:request_id AS BIGINT) AND owner = CAST(:owner AS BIGINT);

-- name: renew_inflight
UPDATE inflight SET lease_until = :lease_until WHERE owner = CAST(:owner AS BIGINT)
RETURNING request_id, stop_asked_at;

-- name: inflight_row^
SELECT request_id FROM inflight WHERE request_id = CAST(:request_id AS BIGINT);

-- name: stop_inflight
UPDATE inflight SET stop_asked_at = COALESCE(stop_asked_at, CAST(:now AS BIGINT))
WHERE request_id = CAST(:request_id AS BIGINT)
RETURNING request_id;

-- name: taken_inflight^
-- Nothing for a request that is not on record yet.
SELECT usage.id FROM usage LEFT JOIN inflight ON inflight.request_id = usage.id
WHERE usage.id = CAST(:request_id AS BIGINT)
  AND ((inflight.owner IS NULL AND usage.state = 'settled') OR inflight.owner <> CAST(:owner AS BIGINT));

-- name: let_go_inflight!
-- Unless it was tried, it counts as not taken.
UPDATE inflight SET owner = 0, lease_until = :lease_until, taken = taken - 1 + CAST(:tried AS BIGINT)
WHERE request_id = CAST(:request_id AS BIGINT) AND owner = CAST(:owner AS BIGINT);

-- name: take_over_inflight
UPDATE inflight SET owner = :owner, lease_until = :lease_until, taken = taken + 1
WHERE request_id IN (
    SELECT request_id FROM inflight
    WHERE lease_until <= CAST(:now AS BIGINT) AND application_id = CAST(:application_id AS BIGINT)
    ORDER BY request_id
    LIMIT CAST(:most AS BIGINT)
)
RETURNING *;

-- name: expired_inflight^
SELECT COUNT(*) AS count FROM inflight
WHERE lease_until <= CAST(:now AS BIGINT) AND application_id = CAST(:application_id AS BIGINT);

-- name: close_inflight^
DELETE FROM inflight WHERE request_id = CAST(:request_id AS BIGINT) AND owner = CAST(:owner AS BIGINT)
RETURNING request_id;

-- name: forget_strays
DELETE FROM inflight
WHERE application_id <> CAST(:application_id AS BIGINT) AND lease_until < CAST(:before AS BIGINT)
RETURNING request_id;

-- name: left_open
-- Requests that nobody answers any more and that no row of "inflight" tells of.
SELECT id FROM usage
WHERE state = 'open' AND asked_at < CAST(:before AS BIGINT)
  AND NOT EXISTS (SELECT 1 FROM inflight WHERE inflight.request_id = usage.id)
ORDER BY asked_at
LIMIT CAST(:most AS BIGINT);
