{{ config(materialized='incremental', unique_key='event_id') }}

select
    event_id,
    customer_id,
    occurred_at,
    event_date,
    event_type
from {{ ref('stg_events') }}
{% if is_incremental() %}
where occurred_at > (select max(occurred_at) from {{ this }})
{% endif %}
