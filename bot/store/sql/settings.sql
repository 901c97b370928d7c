-- name: settings_reaching
SELECT place, place_id, name, value
FROM settings
WHERE (place = 'guild' AND place_id = CAST(:guild_id AS BIGINT))
   OR (place = 'channel' AND place_id = CAST(:channel_id AS BIGINT) AND guild_id = CAST(:guild_id AS BIGINT));

-- name: settings_in
SELECT place, place_id, name, value
FROM settings
WHERE guild_id = CAST(:guild_id AS BIGINT)
ORDER BY place_id, name;

-- name: setting^
SELECT value FROM settings WHERE place = :place AND place_id = CAST(:place_id AS BIGINT) AND name = :name;

-- name: set_setting!
INSERT INTO settings (place, place_id, name, guild_id, value)
VALUES (:place, :place_id, :name, :guild_id, :value)
ON CONFLICT (place_id, place, name) DO UPDATE SET value = excluded.value;

-- name: clear_setting!
DELETE FROM settings WHERE place = :place AND place_id = CAST(:place_id AS BIGINT) AND name = :name;
