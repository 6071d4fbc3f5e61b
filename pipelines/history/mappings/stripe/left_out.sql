WITH recurring AS (
    SELECT * FROM stripe_lines
    WHERE subscription IS NOT NULL AND (parked OR status IN ('paid', 'open', 'uncollectible'))
),
reasons AS (
    SELECT CASE
        WHEN what = 'customer' AND (object->>'deleted') = 'true'
            THEN 'deleted customers, of whom nothing but the id is left'
        WHEN what = 'invoice' AND status = 'draft' AND NOT parked THEN 'invoices in preparation'
        WHEN what = 'invoice' AND status = 'void' AND NOT parked
            THEN 'invoices voided later than the day they were made'
        WHEN what = 'invoice' AND (object->>'$.lines.has_more') = 'true'
            THEN 'invoices with more lines than the export holds: read /v1/invoices/ID/lines'
        WHEN what = 'charge' AND status NOT IN ('succeeded', 'failed')
            THEN 'charges of which it is not known yet whether they succeed'
        WHEN what = 'charge' AND (object->>'customer') IS NULL THEN 'charges without a customer'
        WHEN what = 'charge' AND status = 'succeeded' AND (object->>'captured') = 'false'
            THEN 'charges that are only held back'
        WHEN what = 'refund' AND status <> 'succeeded' THEN 'refunds that did not go through'
        WHEN what = 'dispute' AND (object->>'reason') NOT IN (
            'credit_not_processed', 'duplicate', 'general', 'product_not_received',
            'product_unacceptable', 'subscription_canceled', 'unrecognized'
        ) THEN 'disputes for a reason of the bank or of a stolen card'
    END AS reason
    FROM (
        SELECT stripe_objects.*, coalesce(parked, false) AS parked
        FROM stripe_objects LEFT JOIN (SELECT id, parked FROM stripe_invoices) USING (id)
    )
    UNION ALL
    SELECT 'subscription lines of nothing (trials, free plans)' FROM recurring
    WHERE amount = 0
    UNION ALL
    SELECT 'lines for use, billed afterwards' FROM recurring
    WHERE usage_type = 'metered'
    UNION ALL
    SELECT 'subscriptions of which no invoice was ever paid' FROM recurring
    GROUP BY subscription
    HAVING count(*) FILTER (status = 'paid' AND amount > 0) = 0
)
SELECT reason, count(*) AS rows FROM reasons WHERE reason IS NOT NULL GROUP BY reason
