-- name: open_usage^
INSERT INTO usage (
    id, user_id, guild_id, category_id, channel_id, thread_id, surroundings, command, model, visibility, locale, asked_at,
    state, reserved_tokens, reserved_cost, holds
)
VALUES (
    :id, :user_id, :guild_id, :category_id, :channel_id, :thread_id, :surroundings, :command, :model, :visibility, :locale, :asked_at,
    'open', :reserved_tokens, :reserved_cost, :holds
)
ON CONFLICT (id) DO NOTHING
RETURNING id;

-- name: refuse_usage^
INSERT INTO usage (
    id, user_id, guild_id, category_id, channel_id, thread_id, surroundings, command, model, visibility, locale, asked_at,
    state, ending, error, counts, settled_at
)
VALUES (
    :id, :user_id, :guild_id, :category_id, :channel_id, :thread_id, :surroundings, :command, :model, :visibility, :locale, :asked_at,
    'settled', 'refused', :error, 0, :settled_at
)
ON CONFLICT (id) DO NOTHING
RETURNING id;

-- name: raise_reservation^
UPDATE usage
SET reserved_tokens = reserved_tokens + CAST(:tokens AS BIGINT), reserved_cost = reserved_cost + CAST(:cost AS BIGINT)
WHERE id = CAST(:id AS BIGINT) AND state = 'open'
RETURNING user_id, guild_id, category_id, channel_id, surroundings, asked_at, reserved_tokens, reserved_cost, holds;

-- name: note_usage!
UPDATE usage SET facts = :facts WHERE id = CAST(:id AS BIGINT) AND state = 'open';

-- name: set_holds!
UPDATE usage SET holds = :holds WHERE id = CAST(:id AS BIGINT) AND state = 'open';

-- name: settle_usage^
UPDATE usage
SET state = 'settled', ending = :ending, error = :error, input_tokens = :input_tokens, output_tokens = :output_tokens, cost = :cost,
    first_text_ms = :first_text_ms, total_ms = :total_ms, counts = :counts, settled_at = :settled_at, facts = :facts
WHERE id = CAST(:id AS BIGINT) AND state = 'open'
  -- What another process goes on with is its to settle: it may still be calling for it.
  AND NOT EXISTS (SELECT 1 FROM inflight WHERE inflight.request_id = usage.id AND inflight.owner <> CAST(:owner AS BIGINT))
RETURNING user_id, reserved_tokens, reserved_cost, holds;

-- name: correct_usage^
-- What a settled request used is more, or less, than was known then.
UPDATE usage
SET input_tokens = input_tokens + CAST(:input_tokens AS BIGINT), output_tokens = output_tokens + CAST(:output_tokens AS BIGINT),
    cost = cost + CAST(:cost AS BIGINT), counts = 1
WHERE id = CAST(:id AS BIGINT) AND state = 'settled'
RETURNING holds;

-- name: usage_row^
SELECT * FROM usage WHERE id = CAST(:id AS BIGINT);

-- name: used_by_user^
-- What one person has used in a window, reservations included; everything that is null does not narrow it.
SELECT COUNT(*) AS requests,
    COALESCE(SUM(CASE WHEN state = 'open' THEN reserved_tokens ELSE input_tokens + output_tokens END), 0) AS tokens,
    COALESCE(SUM(CASE WHEN state = 'open' THEN reserved_cost ELSE cost END), 0) AS cost
FROM usage
WHERE user_id = CAST(:user_id AS BIGINT) AND asked_at >= CAST(:window_start AS BIGINT) AND asked_at < CAST(:window_end AS BIGINT)
  AND id <> CAST(:but AS BIGINT) AND counts = 1
  AND (CAST(:guild_id AS BIGINT) IS NULL OR (guild_id = CAST(:guild_id AS BIGINT) AND surroundings = 'guild'))
  AND (CAST(:category_id AS BIGINT) IS NULL OR category_id = CAST(:category_id AS BIGINT))
  AND (CAST(:channel_id AS BIGINT) IS NULL OR channel_id = CAST(:channel_id AS BIGINT))
  AND (CAST(:command AS TEXT) IS NULL OR command = CAST(:command AS TEXT));

-- name: used_by_guild^
SELECT COUNT(*) AS requests,
    COALESCE(SUM(CASE WHEN state = 'open' THEN reserved_tokens ELSE input_tokens + output_tokens END), 0) AS tokens,
    COALESCE(SUM(CASE WHEN state = 'open' THEN reserved_cost ELSE cost END), 0) AS cost
FROM usage
WHERE guild_id = CAST(:guild_id AS BIGINT) AND asked_at >= CAST(:window_start AS BIGINT) AND asked_at < CAST(:window_end AS BIGINT)
  AND id <> CAST(:but AS BIGINT) AND counts = 1 AND surroundings = 'guild'
  AND (CAST(:category_id AS BIGINT) IS NULL OR category_id = CAST(:category_id AS BIGINT))
  AND (CAST(:channel_id AS BIGINT) IS NULL OR channel_id = CAST(:channel_id AS BIGINT))
  AND (CAST(:command AS TEXT) IS NULL OR command = CAST(:command AS TEXT));

-- name: used_by_all^
SELECT COUNT(*) AS requests,
    COALESCE(SUM(CASE WHEN state = 'open' THEN reserved_tokens ELSE input_tokens + output_tokens END), 0) AS tokens,
    COALESCE(SUM(CASE WHEN state = 'open' THEN reserved_cost ELSE cost END), 0) AS cost
FROM usage
WHERE asked_at >= CAST(:window_start AS BIGINT) AND asked_at < CAST(:window_end AS BIGINT)
  AND id <> CAST(:but AS BIGINT) AND counts = 1
  AND (CAST(:command AS TEXT) IS NULL OR command = CAST(:command AS TEXT));

-- name: open_holds
-- Open requests that a counter begun late has to let go of when they settle.
SELECT id, holds
FROM usage
WHERE state = 'open' AND asked_at >= CAST(:window_start AS BIGINT) AND asked_at < CAST(:window_end AS BIGINT)
  AND id <> CAST(:but AS BIGINT)
  AND (CAST(:user_id AS BIGINT) IS NULL OR user_id = CAST(:user_id AS BIGINT))
  AND (CAST(:guild_id AS BIGINT) IS NULL OR (guild_id = CAST(:guild_id AS BIGINT) AND surroundings = 'guild'))
  AND (CAST(:category_id AS BIGINT) IS NULL OR category_id = CAST(:category_id AS BIGINT))
  AND (CAST(:channel_id AS BIGINT) IS NULL OR channel_id = CAST(:channel_id AS BIGINT))
  AND (CAST(:command AS TEXT) IS NULL OR command = CAST(:command AS TEXT));
