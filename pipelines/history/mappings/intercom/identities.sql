SELECT 'intercom' AS system, contact_id AS external_id, customer_id,
    to_timestamp(updated_at) AS updated_at
FROM intercom_contacts JOIN intercom_people ON contact_id = id
UNION ALL
SELECT 'intercom-company', id, coalesce(nullif(company_id, ''), 'intercom-company-' || id),
    to_timestamp(updated_at)
FROM intercom_companies
