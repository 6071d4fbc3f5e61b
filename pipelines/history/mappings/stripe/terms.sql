-- Contracts rebuilt from invoices: the subscription object knows only today, and events reach back
-- 30 days. Each line of a subscription covers a period at a price. Periods of one subscription and
-- price that follow each other are one term; each invoice is a version of it, known from when it
-- was created. So a night sees the planned end and the value that it could have seen.
WITH subscriptions AS (
    SELECT
        id AS subscription,
        (object->>'canceled_at')::BIGINT AS canceled_at,
        (object->>'ended_at')::BIGINT AS ended_at,
        object->>'$.cancellation_details.reason' AS reason
    FROM stripe_objects WHERE what = 'subscription'
),
data AS (  -- the last that the export tells of
    SELECT max(told) AS reaches FROM (
        SELECT created AS told FROM stripe_invoices
        UNION ALL
        SELECT greatest(canceled_at, ended_at) FROM subscriptions
    )
),
-- Only what was ever paid is a contract: a trial that led to nothing is none, nor is a first
-- invoice that nobody paid. Until then it was not known to be one.
first_paid AS (
    SELECT subscription, min(coalesce(paid_at, created)) AS first_paid
    FROM stripe_lines WHERE status = 'paid' AND amount > 0 GROUP BY subscription
),
priced AS (
    SELECT * FROM stripe_lines JOIN first_paid USING (subscription)
    -- Use is billed afterwards, for a month that is over: it says nothing of the one that runs.
    WHERE usage_type <> 'metered'
),
covered AS (
    SELECT
        customer, subscription, price, product, currency, begins, ends, proration, created, parked,
        status <> 'paid' AND NOT parked AS unpaid,
        first_paid,
        round(greatest(0, CASE
            WHEN NOT proration THEN sum(income) / any_value(months)
            WHEN bool_and(unit_amount IS NOT NULL)
                THEN sum(unit_amount * quantity) / any_value(months)
            ELSE sum(income) * 30.4375 * 86400 / (ends - begins)
        END), 2) AS value
    FROM priced
    WHERE ends > begins AND (parked OR status IN ('paid', 'open', 'uncollectible'))
    GROUP BY customer, subscription, price, product, currency, begins, ends, proration, created,
        parked, status, id, first_paid
    HAVING sum(amount) > 0  -- a line of nothing is a trial
    -- What was voided and then invoiced again was no pause.
    QUALIFY row_number() OVER (
        PARTITION BY subscription, price, begins, ends, proration ORDER BY parked, created) = 1
),
-- What is given back for the rest of a period tells the moment of a change.
credits AS (
    SELECT subscription, price, begins AS "from", min(created) AS told
    FROM priced
    WHERE proration AND amount < 0 AND status IN ('paid', 'open', 'uncollectible')
    GROUP BY ALL
),
cut AS (
    SELECT covered.*, coalesce("from", ends) AS until, told AS cut_told
    FROM covered
    LEFT JOIN credits ON credits.subscription = covered.subscription
        AND credits.price = covered.price
        AND "from" > begins AND "from" < ends AND told >= created
    QUALIFY row_number() OVER (  -- of several changes of one period the first
        PARTITION BY covered.subscription, covered.price, begins, ends, proration
        ORDER BY "from") = 1
),
placed AS (
    SELECT *, coalesce(begins > 86400 + max(until) OVER (
        PARTITION BY subscription, price ORDER BY begins, created
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), true) AS starts
    FROM cut
),
numbered AS (
    SELECT *, sum(starts::INTEGER) OVER (
        PARTITION BY subscription, price ORDER BY begins, created) AS run
    FROM placed
),
paused AS (
    SELECT
        *,
        min(begins) OVER term AS started,
        parked AND NOT coalesce(lag(parked) OVER ordered, false) AS pauses,
        NOT parked AND coalesce(lag(parked) OVER ordered, false) AS resumes
    FROM numbered
    WINDOW
        term AS (PARTITION BY subscription, price, run),
        ordered AS (PARTITION BY subscription, price, run ORDER BY begins, created)
),
versions AS (
    SELECT
        customer, subscription, price, product, currency, value, started, ends,
        concat_ws(' ', subscription, price,
            strftime(to_timestamp(started) AT TIME ZONE 'UTC', '%Y-%m-%d')) AS term_id,
        until, cut_told, unpaid, parked,
        max(CASE WHEN pauses THEN begins END) OVER so_far AS paused_from,
        max(CASE WHEN resumes THEN begins END) OVER so_far AS resumed,
        greatest(created, first_paid) AS recorded
    FROM paused
    WINDOW so_far AS (PARTITION BY subscription, price, run ORDER BY begins, created)
),
invoiced AS (  -- one invoice with two periods of a term: the later one tells where it stands
    SELECT * FROM versions
    QUALIFY row_number() OVER (PARTITION BY term_id, recorded ORDER BY ends DESC, until DESC) = 1
),
terms AS (
    SELECT
        term_id,
        any_value(customer) AS customer,
        any_value(subscription) AS subscription,
        min(started) AS started,
        min(recorded) AS shown,
        max(recorded) AS last_shown,
        max(until) AS until,
        arg_max_null(cut_told, until) AS cut_told,
        coalesce(arg_max(unpaid, until) FILTER (NOT parked), false) AS unpaid
    FROM versions GROUP BY term_id
),
told AS (  -- what the subscription says of its last term: dates, which do not change any more
    SELECT
        terms.*,
        CASE WHEN rank() OVER last_first = 1 THEN canceled_at END AS canceled_at,
        CASE WHEN rank() OVER last_first = 1 THEN ended_at END AS ended_at,
        CASE WHEN rank() OVER last_first = 1 THEN reason END AS reason
    FROM terms LEFT JOIN subscriptions USING (subscription)
    WINDOW last_first AS (PARTITION BY subscription ORDER BY until DESC)
),
-- A term that another one takes over within a day has changed, not ended.
followed AS (
    SELECT told.term_id, min(other.shown) AS followed, bool_or(
        other.subscription = told.subscription) AS by_itself
    FROM told JOIN terms AS other ON other.customer = told.customer
        AND other.term_id <> told.term_id
        AND other.started > told.started
        AND other.started BETWEEN coalesce(ended_at, told.until) - 86400
            AND coalesce(ended_at, told.until) + 86400
    GROUP BY told.term_id
),
ends AS (
    SELECT
        term_id,
        greatest(coalesce(ended_at, until), started) AS ended,
        greatest(last_shown, followed, CASE
            WHEN ended_at IS NOT NULL THEN ended_at
            WHEN cut_told IS NOT NULL THEN cut_told
            WHEN by_itself THEN until
            ELSE until + 86400  -- by then the next invoice should have come
        END) AS known,
        CASE
            WHEN followed IS NOT NULL THEN NULL
            WHEN reason IN ('payment_failed', 'payment_disputed') OR unpaid THEN 'non_payment'
            WHEN ended_at IS NOT NULL OR cut_told IS NOT NULL THEN 'cancelled'
            ELSE 'not_renewed'
        END AS end_kind
    FROM told LEFT JOIN followed USING (term_id)
),
notices AS (
    SELECT term_id, canceled_at FROM told
    WHERE canceled_at IS NOT NULL AND canceled_at < coalesce(ended_at, until)
),
states AS (
    SELECT *, NULL::BIGINT AS ended, NULL AS end_kind FROM invoiced
    UNION ALL BY NAME
    SELECT invoiced.* REPLACE (canceled_at AS recorded), NULL::BIGINT AS ended, NULL AS end_kind
    FROM invoiced JOIN notices USING (term_id)
    WHERE recorded <= canceled_at
    QUALIFY row_number() OVER (PARTITION BY term_id ORDER BY invoiced.recorded DESC) = 1
    UNION ALL BY NAME
    SELECT invoiced.* REPLACE (known AS recorded), ended, end_kind
    FROM invoiced JOIN ends USING (term_id) CROSS JOIN data
    WHERE known <= reaches  -- what the export cannot know yet has not happened
    QUALIFY row_number() OVER (PARTITION BY term_id ORDER BY invoiced.recorded DESC) = 1
)
SELECT
    customer AS customer_id,
    term_id,
    product,
    value AS value_per_month,
    currency,
    to_timestamp(started) AS started_at,
    to_timestamp(states.ends) AS ends_at,
    to_timestamp(CASE WHEN notices.canceled_at <= recorded THEN notices.canceled_at END)
        AS notice_at,
    to_timestamp(ended) AS ended_at,
    end_kind,
    to_timestamp(paused_from) AS paused_from,
    to_timestamp(CASE WHEN resumed >= paused_from THEN resumed END) AS paused_to,
    to_timestamp(recorded) AS recorded_at,
    to_timestamp(recorded) AS updated_at,  -- the newest version counts
    'stripe' AS source
FROM states LEFT JOIN notices USING (term_id)
QUALIFY row_number() OVER (
    PARTITION BY term_id, recorded ORDER BY ended DESC NULLS LAST, notice_at DESC NULLS LAST) = 1
ORDER BY term_id, recorded
