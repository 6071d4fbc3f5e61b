-- A user's id and an organisation's id are two systems: the numbers may meet.
SELECT 'zendesk' AS system, id AS external_id,
    coalesce(firm.customer_id, person.customer_id) AS customer_id, updated_at
FROM zendesk_users AS users
JOIN zendesk_customers AS person ON person.user_id = id
LEFT JOIN zendesk_customers AS firm ON firm.organization_id = users.organization_id
WHERE role = 'end-user' AND suspended IS NOT true
UNION ALL
SELECT 'zendesk-organization', id, customer_id, updated_at
FROM zendesk_organizations JOIN zendesk_customers ON organization_id = id
