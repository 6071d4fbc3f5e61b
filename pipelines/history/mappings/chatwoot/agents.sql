-- Users, and every bot, assistant or automation that wrote.
SELECT id::VARCHAR AS agent_id, false AS is_bot FROM chatwoot_agents
UNION ALL
SELECT DISTINCT agent, true FROM chatwoot_messages WHERE starts_with(agent, 'bot-')
