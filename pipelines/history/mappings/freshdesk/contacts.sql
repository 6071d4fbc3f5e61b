SELECT id AS contact_id, customer_id, name, email, coalesce(phone, mobile) AS phone,
    job_title AS role, updated_at, CASE WHEN deleted THEN updated_at END AS deleted_at
FROM freshdesk_contacts JOIN freshdesk_people ON contact_id = id
