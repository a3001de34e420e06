{{ config(materialized='table') }}

{#
    Orders whose attribution the window touches: those that changed themselves, and those that follow, within the
    days that a click counts, a click that changed or whose campaign did.
#}

with

-- A touch that changed counts in every version; of a campaign that did, the touches that are its own.
changed_touches as (

    {% for changed in [
        of_changed_row(source('marketing', 'campaign_touches'), 'touch_id'),
        'campaign_id in (' ~ changed_campaigns() ~ ')',
    ] -%}
    select
        consumer_email,
        touched_at
    from {{ source('marketing', 'campaign_touches') }}
    where {{ changed }}
    {{ 'union' if not loop.last }}
    {% endfor %}

),

touches as (

    select
        {{ normalised_email('consumer_email') }} as email,
        touched_at
    from changed_touches

),

-- Without an address there is no key, and with none no order.
clickers as (

    select distinct
        {{ consumer_key('email', 'marketing', 'email') }} as consumer_key,
        touched_at
    from touches

),

final as (

    select distinct
        source_system,
        order_id,
        sales_date
    from {{ ref('touched_orders') }}

    union

    select
        sales.source_system,
        sales.order_id,
        sales.order_date as sales_date
    from clickers
    inner join {{ ref('wh_fact_sales') }} as sales
        on clickers.consumer_key = sales.consumer_key
        and sales.order_at > clickers.touched_at
        and sales.order_at <= {{ dbt.dateadd('day', var('attribution_days'), 'clickers.touched_at') }}

)

select * from final
