-- A settled request in parts: the quarter of an hour it was asked in, who asked, with which command, by which model.
CREATE VIEW usage_parts AS
SELECT usage.id AS usage_id, usage.user_id, usage.guild_id, usage.surroundings, usage.channel_id, usage.asked_at, kinds.kind,
    CASE kinds.kind
        WHEN 'quarter' THEN CAST(usage.asked_at / 900000 AS TEXT)
        WHEN 'member' THEN CAST(usage.user_id AS TEXT)
        WHEN 'command' THEN usage.command
        ELSE usage.model
    END AS name,
    CASE usage.ending WHEN 'refused' THEN 0 ELSE 1 END AS requests,
    CASE usage.ending WHEN 'refused' THEN 1 ELSE 0 END AS refused,
    usage.input_tokens, usage.output_tokens, usage.cost
FROM usage
CROSS JOIN (
    SELECT 'quarter' AS kind UNION ALL SELECT 'member' UNION ALL SELECT 'command' UNION ALL SELECT 'model'
) AS kinds
WHERE usage.state = 'settled';

-- The sums of these parts by day. A part has the whole request, so only those of one kind may be added up.
CREATE TABLE usage_days (
    -- 0 for direct messages and user-installed use.
    guild_id BIGINT NOT NULL,
    kind TEXT NOT NULL,
    -- Days since 1970, in UTC.
    day BIGINT NOT NULL,
    channel_id BIGINT NOT NULL,
    name TEXT NOT NULL,
    requests BIGINT NOT NULL,
    refused BIGINT NOT NULL,
    input_tokens BIGINT NOT NULL,
    output_tokens BIGINT NOT NULL,
    cost BIGINT NOT NULL,
    PRIMARY KEY (guild_id, kind, day, channel_id, name)
);

INSERT INTO usage_days (guild_id, kind, day, channel_id, name, requests, refused, input_tokens, output_tokens, cost)
SELECT CASE surroundings WHEN 'guild' THEN guild_id ELSE 0 END, kind, asked_at / 86400000, CASE surroundings WHEN 'guild' THEN channel_id ELSE 0 END, name,
    SUM(requests), SUM(refused), SUM(input_tokens), SUM(output_tokens), SUM(cost)
FROM usage_parts
GROUP BY 1, 2, 3, 4, 5;
