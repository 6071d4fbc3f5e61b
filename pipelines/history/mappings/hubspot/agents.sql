SELECT
    id AS agent_id,
    coalesce(
        list_filter(json_extract(record, '$.teams[*]'),
            lambda team: (team->>'primary') = 'true')[1],
        json_extract(record, '$.teams[0]')
    )->>'name' AS team,
    false AS is_bot,
    created_at AS started_at,
    version AS updated_at,
    'hubspot' AS source
FROM hs_records WHERE what = 'owners'
