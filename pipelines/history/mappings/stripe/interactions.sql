-- Money as it moved: charges, refunds, one-off invoices and disputes. Amounts come in the
-- currency's smallest unit. Stripe is where it happens, so its own `created` is when it was known.
WITH
-- A debit takes days to succeed; the invoice says when it had. What paid it stands on the charge
-- (`invoice`), or since API version 2025-03-31 on the invoice (`payments`).
paid AS (
    SELECT id AS invoice, paid_at, coalesce(
        object->>'$.payments.data[0].payment.payment_intent', object->>'payment_intent'
    ) AS payment_intent
    FROM stripe_invoices WHERE status = 'paid'
),
charges AS (
    SELECT
        charge.* EXCLUDE (paid_at),
        coalesce(object->>'failure_code', object->>'$.outcome.reason') AS why,
        greatest(created, by_invoice.paid_at, by_intent.paid_at) AS known
    FROM stripe_objects AS charge
    LEFT JOIN paid AS by_invoice ON by_invoice.invoice = (object->>'invoice')
    LEFT JOIN (SELECT DISTINCT ON (payment_intent) * FROM paid) AS by_intent
        ON by_intent.payment_intent = (object->>'payment_intent')
    -- Money that is only held back is not paid.
    WHERE what = 'charge' AND (charge.status = 'failed' OR (object->>'captured') <> 'false')
),
-- What was sold once: lines of an invoice that belong to no subscription.
orders AS (
    SELECT id, customer, finalized_at, currency, voided_at, sum(amount) AS amount
    FROM stripe_lines
    WHERE subscription IS NULL AND status <> 'draft' AND finalized_at IS NOT NULL
    GROUP BY ALL HAVING sum(amount) > 0
),
moments AS (
    SELECT id, customer, created AS occurred, 'payment' AS kind, NULL AS topic, amount, currency,
        known, NULL::BIGINT AS voided_at
    FROM charges WHERE status = 'succeeded'
    UNION ALL
    SELECT id, customer, created, 'payment_failed', why, amount, currency, created, NULL
    FROM charges WHERE status = 'failed'
    UNION ALL
    SELECT refund.id, charges.customer, refund.created, 'refund', refund.object->>'reason',
        refund.amount, refund.currency, refund.created, NULL
    FROM stripe_objects AS refund JOIN charges ON charges.id = (refund.object->>'charge')
    WHERE refund.what = 'refund' AND refund.status = 'succeeded'
    UNION ALL
    -- A customer who goes to the bank complains of us. Reasons that are the bank's, or a stolen
    -- card's, are no complaint: https://docs.stripe.com/disputes/categories
    SELECT dispute.id, charges.customer, dispute.created, 'complaint',
        'dispute: ' || (dispute.object->>'reason'), dispute.amount, dispute.currency,
        dispute.created, NULL
    FROM stripe_objects AS dispute JOIN charges ON charges.id = (dispute.object->>'charge')
    WHERE dispute.what = 'dispute' AND (dispute.object->>'reason') IN (
        'credit_not_processed', 'duplicate', 'general', 'product_not_received',
        'product_unacceptable', 'subscription_canceled', 'unrecognized'
    )
),
valued AS (
    SELECT * REPLACE (amount / coalesce(smallest, 100) AS amount)
    FROM moments LEFT JOIN stripe_units USING (currency)
    UNION ALL BY NAME
    SELECT id, customer, finalized_at AS occurred, 'order' AS kind, amount, finalized_at AS known,
        voided_at
    FROM orders
)
SELECT
    id AS interaction_id,
    customer AS customer_id,
    to_timestamp(occurred) AS occurred_at,
    kind,
    topic,
    amount AS value,
    to_timestamp(known) AS recorded_at,
    -- Nothing of a charge or a refund changes; an invoice can be voided.
    to_timestamp(coalesce(voided_at, occurred)) AS updated_at,
    to_timestamp(voided_at) AS deleted_at,
    'stripe' AS source
FROM valued
WHERE customer IS NOT NULL
