select
    event_id,
    customer_id,
    occurred_at,
    cast(occurred_at as date) as event_date,
    event_type
from {{ ref('raw_events') }}
