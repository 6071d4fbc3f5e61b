SELECT contact_id, customer_id, name, email, phone, to_timestamp(updated_at) AS updated_at
FROM intercom_contacts JOIN intercom_people ON contact_id = id
