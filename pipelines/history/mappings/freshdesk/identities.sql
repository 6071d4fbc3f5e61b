SELECT 'freshdesk' AS system, id AS external_id, customer_id, updated_at
FROM freshdesk_contacts JOIN freshdesk_people ON contact_id = id
UNION ALL
SELECT 'freshdesk-company', id, 'freshdesk-company-' || id, updated_at
FROM freshdesk_companies
