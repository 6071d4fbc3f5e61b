SELECT
    id AS owner_id,
    nullif(concat_ws(' ', record->>'firstName', record->>'lastName'), '') AS name,
    record->>'email' AS email,
    coalesce(
        list_filter(json_extract(record, '$.teams[*]'),
            lambda team: (team->>'primary') = 'true')[1],
        json_extract(record, '$.teams[0]')
    )->>'name' AS team,
    (record->>'archived') IS DISTINCT FROM 'true' AS active,
    version AS updated_at,
    'hubspot' AS source
FROM hs_records WHERE what = 'owners'
