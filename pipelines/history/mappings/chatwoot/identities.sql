SELECT 'chatwoot' AS system, id AS external_id, customer_id FROM chatwoot_contacts
WHERE blocked IS NOT true
