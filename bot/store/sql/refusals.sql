-- name: count_refusal^
INSERT INTO refusals (limit_id, user_id, window_end, request_id, count)
VALUES (:limit_id, :user_id, :window_end, :request_id, 1)
ON CONFLICT (limit_id, user_id, window_end) DO UPDATE
SET count = refusals.count + CASE WHEN refusals.request_id = excluded.request_id THEN 0 ELSE 1 END,
    request_id = excluded.request_id
RETURNING count;

-- name: refusals_of
-- How often people were refused by each limit of a server in windows that have not ended.
SELECT limit_id, SUM(count) AS count
FROM refusals
WHERE window_end > CAST(:now AS BIGINT) AND limit_id IN (SELECT id FROM limits WHERE guild_id = CAST(:guild_id AS BIGINT))
GROUP BY limit_id;

-- name: clear_refusals!
DELETE FROM refusals WHERE limit_id = CAST(:limit_id AS BIGINT);

-- name: forget_refusals!
DELETE FROM refusals WHERE window_end < CAST(:before AS BIGINT);
