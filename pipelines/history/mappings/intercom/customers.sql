-- Companies, and contacts who belong to none.
SELECT coalesce(nullif(company_id, ''), 'intercom-company-' || id) AS customer_id,
    to_timestamp(created_at) AS joined_at, name, NULL AS email, NULL AS phone, NULL AS locale,
    to_timestamp(updated_at) AS updated_at
FROM intercom_companies
UNION ALL
SELECT customer_id, to_timestamp(created_at), name, email, phone, language_override,
    to_timestamp(updated_at)
FROM intercom_contacts JOIN intercom_people ON contact_id = id WHERE company IS NULL
