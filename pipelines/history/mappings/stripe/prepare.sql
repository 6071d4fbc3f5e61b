-- Stripe's objects as they came: a page of a list ({"object": "list", "data": [...]}), an array, or
-- one object a line. The name of a file says what is in it: `invoices*.json`, `charges*.jsonl`, ...
CREATE TEMP TABLE stripe_objects AS
WITH pages AS (
    SELECT unnest(CASE
        WHEN (json->>'object') = 'list' THEN json_extract(json, '$.data[*]') ELSE [json]
    END) AS object
    FROM read_json_objects(
        '${source}/*.json*', filename = true, maximum_object_size = 67108864)
    WHERE regexp_matches(parse_filename(filename),
        '^(customers|invoices|subscriptions|prices|charges|refunds|disputes)')
)
SELECT
    object,
    object->>'object' AS what,
    object->>'id' AS id,
    object->>'customer' AS customer,
    object->>'status' AS status,
    (object->>'created')::BIGINT AS created,
    object->>'currency' AS currency,
    (object->>'amount')::DOUBLE AS amount,
    (object->>'$.status_transitions.finalized_at')::BIGINT AS finalized_at,
    (object->>'$.status_transitions.paid_at')::BIGINT AS paid_at,
    (object->>'$.status_transitions.voided_at')::BIGINT AS voided_at,
    (object->>'$.status_transitions.marked_uncollectible_at')::BIGINT AS given_up_at
FROM pages
-- One object in several exports: the one that has come furthest.
QUALIFY row_number() OVER (PARTITION BY what, id ORDER BY
    greatest(finalized_at, paid_at, voided_at, given_up_at,
        (object->>'canceled_at')::BIGINT, (object->>'ended_at')::BIGINT) DESC NULLS LAST,
    status IN ('succeeded', 'failed') DESC) = 1;

-- https://docs.stripe.com/currencies: one unit is 100 of the smallest, but for these. UGX and ISK
-- have no smaller unit either, yet Stripe writes them as if they had: 100 of them.
CREATE TEMP TABLE stripe_units AS
SELECT unnest(['bif', 'clp', 'djf', 'gnf', 'jpy', 'kmf', 'krw', 'mga', 'pyg', 'rwf', 'vnd', 'vuv',
    'xaf', 'xof', 'xpf']) AS currency, 1 AS smallest
UNION ALL
SELECT unnest(['bhd', 'jod', 'kwd', 'omr', 'tnd']), 1000;

CREATE TEMP TABLE stripe_invoices AS
SELECT
    * EXCLUDE (what, currency, amount),
    -- While collection is paused Stripe goes on making invoices, and voids them, gives them up or
    -- leaves them as drafts, at once. What is voided later was an attempt to collect.
    coalesce((object->>'billing_reason') = 'subscription_cycle' AND CASE status
        WHEN 'draft' THEN (object->>'auto_advance') = 'false'
        WHEN 'void' THEN voided_at < created + 86400
        WHEN 'uncollectible' THEN given_up_at < created + 86400
    END, false) AS parked
FROM stripe_objects WHERE what = 'invoice';

-- Lines as Stripe wrote them before API version 2025-03-31, and since (`parent`, `pricing`).
CREATE TEMP TABLE stripe_lines AS
WITH lines AS (
    SELECT * EXCLUDE (object), unnest(json_extract(object, '$.lines.data[*]')) AS line
    FROM stripe_invoices
),
prices AS (SELECT id AS price, object AS apart FROM stripe_objects WHERE what = 'price'),
named AS (
    SELECT *, coalesce(
        line->>'$.price.id', line->>'$.pricing.price_details.price', line->>'$.plan.id') AS price
    FROM lines
)
SELECT
    named.* EXCLUDE (line),
    coalesce(
        line->>'subscription',
        line->>'$.parent.subscription_item_details.subscription',
        line->>'$.parent.invoice_item_details.subscription'
    ) AS subscription,
    coalesce(
        line->>'$.price.product', line->>'$.pricing.price_details.product',
        line->>'$.plan.product'
    ) AS product,
    coalesce(
        line->>'proration', line->>'$.parent.subscription_item_details.proration',
        line->>'$.parent.invoice_item_details.proration', 'false'
    ) = 'true' AS proration,
    upper(line->>'currency') AS currency,
    (line->>'$.period.start')::BIGINT AS begins,
    (line->>'$.period.end')::BIGINT AS ends,
    coalesce((line->>'quantity')::DOUBLE, 1) AS quantity,
    (line->>'amount')::DOUBLE / coalesce(smallest, 100) AS amount,
    -- Discounts, and taxes that the price includes, are no income.
    amount - (
        coalesce(list_sum(json_extract(line, '$.discount_amounts[*].amount')::DOUBLE[]), 0)
        + coalesce(list_sum(list_transform(
            json_extract(line, '$.tax_amounts[*]') || json_extract(line, '$.taxes[*]'),
            lambda tax: CASE
                WHEN (tax->>'inclusive') = 'true' OR (tax->>'tax_behavior') = 'inclusive'
                    THEN (tax->>'amount')::DOUBLE
            END
        )), 0)
    ) / coalesce(smallest, 100) AS income,
    coalesce(
        line->>'$.price.recurring.usage_type', line->>'$.plan.usage_type',
        apart->>'$.recurring.usage_type', 'licensed'
    ) AS usage_type,
    coalesce(
        (line->>'$.price.unit_amount')::DOUBLE, (line->>'$.plan.amount')::DOUBLE,
        (apart->>'unit_amount')::DOUBLE
    ) / coalesce(smallest, 100) AS unit_amount,
    coalesce(
        (line->>'$.price.recurring.interval_count')::INTEGER,
        (line->>'$.plan.interval_count')::INTEGER,
        (apart->>'$.recurring.interval_count')::INTEGER, 1
    ) * CASE coalesce(
            line->>'$.price.recurring.interval', line->>'$.plan.interval',
            apart->>'$.recurring.interval')
        WHEN 'year' THEN 12.0 WHEN 'month' THEN 1.0
        WHEN 'week' THEN 7 / 30.4375 WHEN 'day' THEN 1 / 30.4375  -- 365.25 days / 12
        -- Lines since 2025-03-31 name the price only: without prices*.json the period tells.
        ELSE greatest(1, round((ends - begins) / (30.4375 * 86400)))
    END AS months
FROM named
LEFT JOIN stripe_units ON stripe_units.currency = (line->>'currency')
LEFT JOIN prices ON prices.price = named.price
