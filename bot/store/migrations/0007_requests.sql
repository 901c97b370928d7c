-- The request itself, sealed with a key that stands nowhere in here, so that another process can begin it again; null where an older version wrote the row.
ALTER TABLE inflight ADD COLUMN request TEXT;
-- How often a process has gone on with the answer: one that brings down every process is not begun for ever.
ALTER TABLE inflight ADD COLUMN taken BIGINT NOT NULL DEFAULT 0;
