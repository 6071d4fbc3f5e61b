-- Companies, and contacts without one (or who asked for something while they had none).
-- `renewal_date`, `health_score` and `account_tier` of a company are today's: left out.
SELECT 'freshdesk-company-' || id AS customer_id, created_at AS joined_at, name, NULL AS email,
    NULL AS phone, NULL AS locale, updated_at, NULL::TIMESTAMPTZ AS deleted_at
FROM freshdesk_companies
UNION ALL
SELECT own_id, created_at, name, email, coalesce(phone, mobile), "language", updated_at,
    CASE WHEN deleted THEN updated_at END
FROM freshdesk_contacts JOIN freshdesk_people ON contact_id = id
WHERE company_id IS NULL
    OR id IN (SELECT requester_id FROM freshdesk_tickets WHERE company_id IS NULL)
