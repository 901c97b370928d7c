-- name: newest_migration^
SELECT COALESCE(MAX(number), 0) AS number FROM migrations;

-- name: record_migration!
INSERT INTO migrations (number, name, applied_at) VALUES (:number, :name, :applied_at);
