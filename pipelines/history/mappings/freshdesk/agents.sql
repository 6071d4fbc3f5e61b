-- Freshdesk marks no bots; automations act as `system`.
SELECT id::VARCHAR AS agent_id, group_ids[1]::VARCHAR AS team, false AS is_bot,
    created_at AS started_at, updated_at
FROM freshdesk_agents
UNION ALL
SELECT 'system', NULL, true, NULL, NULL
