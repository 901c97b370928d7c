-- When a person pressed Stop where the answer was not under way, for the process that it belongs to; null while nobody has.
ALTER TABLE inflight ADD COLUMN stop_asked_at BIGINT;
