-- A case knows when it was closed last, as of today.
SELECT
    id AS case_id,
    'resolution_seconds' AS metric,
    epoch(closed_at) - epoch(created_at) AS value,
    'calendar' AS hours
FROM sf_cases WHERE closed AND closed_at IS NOT NULL AND account IS NOT NULL AND deleted_at IS NULL
