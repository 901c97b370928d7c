-- Of several processes that hear of the same command or message, one answers it.
DELETE FROM inflight WHERE request_id NOT IN (
    SELECT MIN(request_id) FROM inflight GROUP BY application_id, COALESCE(token, ''), COALESCE(reply_to, 0),
        CASE WHEN token IS NULL AND reply_to IS NULL THEN request_id ELSE 0 END
);
CREATE UNIQUE INDEX inflight_by_token ON inflight (token);
CREATE UNIQUE INDEX inflight_by_message ON inflight (reply_to, application_id);
