select
    order_id,
    customer_id,
    ordered_at,
    cast(ordered_at as date) as event_date,
    status,
    amount_usd,
    updated_at
from {{ ref('raw_orders') }}
