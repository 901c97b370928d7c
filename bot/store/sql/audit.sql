-- name: write_audit!
INSERT INTO audit (id, guild_id, user_id, at, kind, place, place_id, name, value_before, value_after)
VALUES (:id, :guild_id, :user_id, :at, :kind, :place, :place_id, :name, :value_before, :value_after);

-- name: last_audit^
-- Of this server alone, whatever place somebody names.
SELECT * FROM audit
WHERE guild_id = CAST(:guild_id AS BIGINT) AND place_id = CAST(:place_id AS BIGINT) AND place = :place AND kind = :kind AND name = :name
ORDER BY id DESC
LIMIT 1;

-- name: audit_page
-- Newest first, those before an id.
SELECT * FROM audit
WHERE guild_id = CAST(:guild_id AS BIGINT) AND id < CAST(:before_id AS BIGINT)
ORDER BY id DESC
LIMIT CAST(:count AS BIGINT);
