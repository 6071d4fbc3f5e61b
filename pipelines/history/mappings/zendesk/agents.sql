-- Zendesk marks no bots: -1 is its own system user (triggers, automations, AI agents), and an
-- integration's user is known by the user tag `bot`, which you give it.
SELECT id AS agent_id, default_group_id::VARCHAR AS team,
    list_contains(coalesce(tags, []), 'bot') AS is_bot, created_at AS started_at, updated_at
FROM zendesk_users WHERE role IN ('agent', 'admin')
UNION ALL
SELECT -1, NULL, true, NULL, NULL
