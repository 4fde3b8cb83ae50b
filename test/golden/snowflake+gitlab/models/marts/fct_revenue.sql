select
    order_id,
    customer_id,
    event_date,
    amount_usd as revenue_usd
from {{ ref('stg_orders') }}
where status = 'paid'
