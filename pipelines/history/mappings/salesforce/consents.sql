-- A box that is ticked is a refusal, known from the contact's last change at the latest. One that
-- is not ticked says nothing: it is no consent.
SELECT account AS customer_id, id AS contact_id, 'email' AS channel, NULL::VARCHAR AS purpose,
    'refused' AS state, version AS "at", 'salesforce' AS source
FROM sf_contacts WHERE is_yes(line->>'HasOptedOutOfEmail') AND account IS NOT NULL
UNION ALL
SELECT account, id, 'phone', NULL, 'refused', version, 'salesforce'
FROM sf_contacts WHERE is_yes(line->>'DoNotCall') AND account IS NOT NULL
