SELECT id AS contact_id, customer_id, name, email, phone_number AS phone,
    to_timestamp(greatest(created_at, last_activity_at)) AS updated_at
FROM chatwoot_contacts WHERE blocked IS NOT true
