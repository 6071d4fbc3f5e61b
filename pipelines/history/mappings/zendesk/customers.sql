-- Organisations, and users who stand under none (or asked for something while they did not).
SELECT customer_id, created_at AS joined_at, name, NULL AS email, NULL AS phone, NULL AS locale,
    NULL AS timezone, updated_at, deleted_at
FROM zendesk_organizations JOIN zendesk_customers ON organization_id = id
UNION ALL
SELECT customer_id, created_at, name, email, phone, locale, iana_time_zone, updated_at,
    CASE WHEN NOT active THEN updated_at END
FROM zendesk_users AS users JOIN zendesk_customers ON user_id = id
WHERE role = 'end-user' AND suspended IS NOT true AND (
    users.organization_id IS NULL
    OR id IN (SELECT requester_id FROM zendesk_tickets WHERE organization_id IS NULL)
)
