-- name: begin_prediction^
INSERT INTO predictions (
    id, usage_id, provider, model, state, reserved_tokens, reserved_cost, created_at, settings, stage, fingerprint
)
VALUES (
    :id, :usage_id, :provider, :model, 'starting', :reserved_tokens, :reserved_cost, :created_at, :settings, :stage, :fingerprint
)
ON CONFLICT (id) DO NOTHING
RETURNING id;

-- name: name_prediction^
-- With whether its request was settled without it.
UPDATE predictions SET provider_id = :provider_id WHERE id = CAST(:id AS BIGINT) AND provider_id IS NULL
RETURNING *, (SELECT usage.state FROM usage WHERE usage.id = predictions.usage_id) AS request_state;

-- name: end_prediction^
-- Where another process goes on with the answer, it says how its calls ended.
UPDATE predictions
SET state = :state, input_tokens = :input_tokens, output_tokens = :output_tokens, cost = :cost, ended_at = :ended_at
WHERE id = CAST(:id AS BIGINT) AND ended_at IS NULL
  AND NOT EXISTS (
    SELECT 1 FROM inflight WHERE inflight.request_id = predictions.usage_id AND inflight.owner <> CAST(:owner AS BIGINT)
  )
RETURNING *, (SELECT usage.state FROM usage WHERE usage.id = predictions.usage_id) AS request_state;

-- name: forget_fingerprints!
UPDATE predictions SET fingerprint = NULL WHERE usage_id = CAST(:usage_id AS BIGINT);

-- name: predictions_of
SELECT * FROM predictions WHERE usage_id = CAST(:usage_id AS BIGINT) ORDER BY id;

-- name: named_since
SELECT provider_id FROM predictions WHERE id >= CAST(:id AS BIGINT) AND provider_id IS NOT NULL;
