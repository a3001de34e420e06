{#
    Days whose sales changed, days on which another number of consumers was known somewhere, and days since a
    consumer whose record changed has lived where they live now.
#}
{% macro touched_keys_of_mrt_location_analysis() -%}
    select sales_date from {{ ref('touched_orders') }} where sales_date is not null

    union

    select sales_days.sales_date
    from (
        select distinct order_date as sales_date from {{ ref('wh_fact_sales') }}
        union
        select distinct return_date as sales_date from {{ ref('wh_fact_sales_returns') }}
    ) as sales_days
    inner join (
        select distinct valid_from, valid_to from {{ ref('wh_location_consumers') }} where {{ in_window('_changed_at') }}
    ) as changed
        on {{ as_of('changed', 'sales_days.sales_date') }}

    union

    select sales.order_date as sales_date
    from {{ ref('wh_consumer_identities') }} as identities
    inner join {{ ref('wh_dim_consumer_history') }} as history
        on identities.consumer_key = history.consumer_key
        and history.valid_to is null
    inner join {{ ref('wh_fact_sales') }} as sales
        on identities.consumer_key = sales.consumer_key
        and sales.order_date >= history.valid_from
    where {{ in_window('identities._changed_at') }}
        and history.valid_from > {{ beginning_of_time() }}
{%- endmacro %}
