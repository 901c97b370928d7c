-- name: mark^
SELECT value FROM marks WHERE name = :name;

-- name: set_mark!
INSERT INTO marks (name, value) VALUES (:name, :value)
ON CONFLICT (name) DO UPDATE SET value = excluded.value;
