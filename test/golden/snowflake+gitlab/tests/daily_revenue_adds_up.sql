-- The days together are worth what the orders are. Returns a row where they differ.
select
    daily.revenue_usd as by_day,
    orders.revenue_usd as by_order
from (select sum(revenue_usd) as revenue_usd from {{ ref('fct_revenue_daily') }}) as daily
cross join (select sum(revenue_usd) as revenue_usd from {{ ref('fct_revenue') }}) as orders
where daily.revenue_usd <> orders.revenue_usd
