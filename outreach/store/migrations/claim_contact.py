"""`claim_contact` for tools that speak SQL, as the verb has it (outreach/store/claims.py), to which
tests hold it. A change is a migration of its own, with another such file."""

FUNCTION = """
CREATE FUNCTION claim_contact(
    tool text, key text, customer text, channel text, purpose text,
    transactional boolean DEFAULT false, at timestamptz DEFAULT now()
) RETURNS TABLE (allowed boolean, reasons text[]) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    asked_tool ALIAS FOR $1; asked_key ALIAS FOR $2; who ALIAS FOR $3; by_channel ALIAS FOR $4;
    for_purpose ALIAS FOR $5; kind ALIAS FOR $6; moment ALIAS FOR $7;
    household text;
    points text[];
    before claims;
    said text[];
    rule json;
    caps json;
BEGIN
    IF coalesce(asked_tool, '') = '' OR coalesce(asked_key, '') = '' OR coalesce(who, '') = ''
       OR coalesce(by_channel, '') = '' OR coalesce(for_purpose, '') = '' THEN
        RAISE EXCEPTION 'claim_contact needs tool, key, customer, channel and purpose';
    END IF;
    SELECT value INTO rule FROM rules WHERE name = 'contact';
    IF rule IS NULL THEN
        RETURN QUERY SELECT false, ARRAY['no plan has told the rules yet'];
        RETURN;
    END IF;
    SELECT unit INTO household FROM units WHERE customer_id = who;
    household := coalesce(household, who);
    PERFORM pg_advisory_xact_lock(hashtextextended(household, 7228));
    SELECT * INTO before FROM claims WHERE tool = asked_tool AND key = asked_key;
    IF FOUND THEN
        IF before.customer_id <> who OR before.channel <> by_channel
           OR before.purpose <> for_purpose OR before.transactional <> kind THEN
            RAISE EXCEPTION 'the key % stands for another claim', asked_key;
        END IF;
        IF before.released_at IS NOT NULL THEN
            RETURN QUERY SELECT false, ARRAY['it was released'];
        ELSE
            RETURN QUERY SELECT true, ARRAY[]::text[];
        END IF;
        RETURN;
    END IF;
    SELECT coalesce(array_agg(DISTINCT contact_point), ARRAY[]::text[]) INTO points FROM messages
    WHERE customer_id = who AND contact_point IS NOT NULL AND channel = by_channel;
    caps := CASE WHEN kind THEN rule -> 'transactional_caps' ELSE rule -> 'caps' END;

    WITH scopes AS (
        SELECT contact_point, channel, purpose, state,
            row_number() OVER (
                PARTITION BY contact_point, channel, purpose ORDER BY at DESC, id DESC
            ) AS newest
        FROM consents
        WHERE contact_point = ANY (points) OR (customer_id = who AND contact_point IS NULL)
    ), standing AS (
        SELECT state FROM scopes
        WHERE newest = 1 AND (channel IS NULL OR channel = by_channel)
          AND (purpose IS NULL OR purpose = for_purpose)
    ), contacts AS (
        SELECT coalesce(sent_at, updated_at) AS happened, unit, contact_point FROM messages
        WHERE (unit = household OR contact_point = ANY (points)) AND transactional = kind
          AND NOT redirected AND state IN ('sent', 'in_doubt', 'sending')
        UNION ALL
        SELECT at, unit, contact_point FROM claims
        WHERE (unit = household OR contact_point = ANY (points)) AND transactional = kind
          AND released_at IS NULL
    ), counts AS (
        SELECT scope, length, most, count(happened) AS many FROM (
            VALUES ('day', interval '24 hours', '24 hours'), ('week', interval '7 days', '7 days'),
                   ('month', interval '30 days', '30 days')
        ) AS windows (cap, length, words)
        CROSS JOIN (VALUES ('own'), ('address')) AS scopes (scope)
        CROSS JOIN LATERAL (SELECT (caps ->> cap)::integer AS most) AS limits
        LEFT JOIN contacts ON moment - happened < length AND
            CASE scope WHEN 'own' THEN unit = household ELSE contact_point = ANY (points) END
        GROUP BY scope, length, most
    ), found (place, id, reason) AS (
        SELECT 1, id, reason FROM told
        WHERE customer_id = who AND reason IS NOT NULL
          AND (channel IS NULL OR channel = by_channel)
          AND (purpose IS NULL OR purpose = for_purpose)
        UNION ALL
        SELECT 2, 0, 'nobody may write there: ' || min(reason) FROM suppressions
        WHERE contact_point = ANY (points) AND lifted_at IS NULL
          AND (channel IS NULL OR channel = by_channel) HAVING count(*) > 0
        UNION ALL
        SELECT 3, 0, 'the customer refused' FROM standing WHERE state = 'refused'
        UNION ALL
        SELECT 4, 0, 'the customer has not agreed'
        WHERE (rule -> 'opt_in')::jsonb ? by_channel
          AND NOT EXISTS (SELECT FROM standing WHERE state = 'granted')
          AND NOT EXISTS (
              SELECT FROM told WHERE customer_id = who AND reason IS NULL
                AND (channel IS NULL OR channel = by_channel)
                AND (purpose IS NULL OR purpose = for_purpose))
        UNION ALL
        SELECT 5, 0, 'somebody knows better' FROM overrides
        WHERE customer_id = who AND until > moment AND playbook IS NULL
        UNION ALL
        SELECT 6, 0, 'answered lately' FROM answers
        WHERE customer_id = who AND NOT kind
          AND at > moment - make_interval(days => (rule ->> 'cool_down_days')::integer)
        UNION ALL
        SELECT CASE scope WHEN 'own' THEN 7 ELSE 8 END, 0, 'was contacted too often'
        FROM counts WHERE many >= most
    )
    SELECT array_agg(reason ORDER BY place, id) INTO said FROM (
        SELECT reason, min(place) AS place, min(id) AS id FROM found GROUP BY reason
    ) AS each_once;
    IF said IS NULL THEN
        INSERT INTO claims (tool, key, customer_id, unit, channel, purpose, transactional, at)
        VALUES (asked_tool, asked_key, who, household, by_channel, for_purpose, kind, moment);
        IF NOT kind THEN
            INSERT INTO closures (customer_id, row) VALUES (who, json_build_object(
                'customer_id', who, 'channel', NULL, 'purpose', NULL, 'may_contact', false,
                'reasons', json_build_array('was booked by ' || asked_tool || ' on ' ||
                    to_char(moment AT TIME ZONE 'UTC', 'FMDD FMMonth YYYY')),
                'at', to_char(moment AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"+00:00"')));
        END IF;
        INSERT INTO audit (at, by, verb, subject, customer_id, details)
        VALUES (moment, asked_tool, 'claim_contact', 'customer ' || who, who,
            json_build_object('channel', by_channel, 'purpose', for_purpose));
        RETURN QUERY SELECT true, ARRAY[]::text[];
    ELSE
        RETURN QUERY SELECT false, said;
    END IF;
END $$
"""
