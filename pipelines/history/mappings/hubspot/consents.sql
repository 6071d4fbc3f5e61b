-- Who opted out refuses, known from the contact's last change at the latest. Who did not has not
-- consented by that.
SELECT company AS customer_id, id AS contact_id, 'email' AS channel, NULL::VARCHAR AS purpose,
    'refused' AS state, version AS "at", 'hubspot' AS source
FROM hs_contacts SEMI JOIN hs_customers ON hs_customers.id = company
WHERE (properties->>'hs_email_optout') = 'true' AND deleted_at IS NULL
