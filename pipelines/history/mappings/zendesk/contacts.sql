-- End users. Suspended ones are spam and no customer's people.
SELECT id AS contact_id, coalesce(firm.customer_id, person.customer_id) AS customer_id,
    name, email, phone, updated_at, CASE WHEN NOT active THEN updated_at END AS deleted_at
FROM zendesk_users AS users
JOIN zendesk_customers AS person ON person.user_id = id
LEFT JOIN zendesk_customers AS firm ON firm.organization_id = users.organization_id
WHERE role = 'end-user' AND suspended IS NOT true
