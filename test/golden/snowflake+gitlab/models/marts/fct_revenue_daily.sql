select
    event_date,
    sum(revenue_usd) as revenue_usd
from {{ ref('fct_revenue') }}
group by event_date
