-- Teammates, and every bot or AI agent (Fin) that wrote a part.
SELECT id AS agent_id, team_ids[1] AS team, false AS is_bot FROM intercom_admins
UNION ALL
SELECT DISTINCT agent, NULL, true FROM intercom_parts WHERE starts_with(agent, 'bot-')
UNION ALL
SELECT DISTINCT 'bot-' || source.author.id, NULL, true FROM intercom_conversations
WHERE source.author.type = 'bot'
    AND 'bot-' || source.author.id NOT IN (SELECT agent FROM intercom_parts WHERE agent NOT NULL)
