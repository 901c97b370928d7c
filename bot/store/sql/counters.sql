-- name: counter^
SELECT used
FROM counters
WHERE limit_id = CAST(:limit_id AS BIGINT) AND subject_id = CAST(:subject_id AS BIGINT) AND window_start = CAST(:window_start AS BIGINT);

-- name: begin_counter^
-- Returns a row where the counter was missing.
INSERT INTO counters (limit_id, subject_id, window_start, window_end, used)
VALUES (:limit_id, :subject_id, :window_start, :window_end, 0)
ON CONFLICT (limit_id, subject_id, window_start) DO NOTHING
RETURNING used;

-- name: take^
INSERT INTO counters (limit_id, subject_id, window_start, window_end, used)
VALUES (:limit_id, :subject_id, :window_start, :window_end, :amount)
ON CONFLICT (limit_id, subject_id, window_start) DO UPDATE SET used = counters.used + excluded.used
RETURNING used;

-- name: correct^
-- Never makes a counter: one that is gone belongs to a limit or window that is gone.
UPDATE counters SET used = used + CAST(:amount AS BIGINT)
WHERE limit_id = CAST(:limit_id AS BIGINT)
  AND subject_id = CAST(:subject_id AS BIGINT)
  AND window_start = CAST(:window_start AS BIGINT)
RETURNING used;

-- name: drop_counter!
DELETE FROM counters
WHERE limit_id = CAST(:limit_id AS BIGINT)
  AND subject_id = CAST(:subject_id AS BIGINT)
  AND window_start = CAST(:window_start AS BIGINT);

-- name: forget_counters!
DELETE FROM counters WHERE window_end < CAST(:before AS BIGINT);
