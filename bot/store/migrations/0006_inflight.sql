-- Answers under way: what it takes to go on with one after its process died. A row is deleted as soon as its answer is on the screen.
CREATE TABLE inflight (
    request_id BIGINT NOT NULL PRIMARY KEY REFERENCES usage (id) ON DELETE CASCADE,
    -- The process that it belongs to, until the lease is over: then another may take it.
    owner BIGINT NOT NULL,
    lease_until BIGINT NOT NULL,
    application_id BIGINT NOT NULL,
    channel_id BIGINT NOT NULL,
    -- The interaction's, and until when it can be used; null for the bot's own messages in a channel.
    token TEXT,
    expires_at BIGINT,
    reply_to BIGINT,
    -- Whether the question is quoted above the answer; the quote itself is read from the message.
    quoted BIGINT NOT NULL,
    -- Its messages' ids in their order, as JSON.
    messages TEXT NOT NULL DEFAULT '[]'
);
CREATE INDEX inflight_by_lease ON inflight (lease_until);

-- What a call's text is in its answer: none of it is shown, a part of it, or the rest of it.
ALTER TABLE predictions ADD COLUMN stage TEXT NOT NULL DEFAULT 'last';
-- A hash of the input, to find the prediction by whose id is not known yet; null as soon as it is.
ALTER TABLE predictions ADD COLUMN fingerprint TEXT;
