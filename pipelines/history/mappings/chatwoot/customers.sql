-- A contact is the customer: Chatwoot knows firms only as a word on a contact. A blocked contact
-- is spam.
SELECT customer_id, to_timestamp(created_at) AS joined_at, name, email, phone_number AS phone,
    to_timestamp(greatest(created_at, last_activity_at)) AS updated_at
FROM chatwoot_contacts WHERE blocked IS NOT true
