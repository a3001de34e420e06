-- What an incremental run touches: {{ ref('touched_consumers') }}
{% set at_risk = var('at_risk_days') %}
{% set lapsed = var('lapsed_days') %}

with

movements as (

    {{ channel_movements(['consumer_key']) }}

),

interactions as (

    select * from {{ ref('wh_fact_interactions') }} where {{ only_touched() }}

),

loyalty as (

    select * from {{ ref('wh_fact_loyalty') }} where {{ only_touched() }}

),

history as (

    select * from {{ ref('wh_dim_consumer_history') }}

),

sales_days as (

    select
        sales_date as activity_date,
        consumer_key,
        {{ channel_measures() }}
    from movements
    where {{ only_touched() }}
    group by sales_date, consumer_key

),

interaction_days as (

    select
        interaction_date as activity_date,
        consumer_key,
        count(*) as interactions,
        {{ ratio('sum(satisfaction_score)', 'count(satisfaction_score)') }} as satisfaction
    from interactions
    group by interaction_date, consumer_key

),

loyalty_days as (

    select
        activity_date,
        consumer_key,
        sum(points_earned) as points_earned,
        sum(points_redeemed) as points_redeemed,
        sum(points) as points
    from loyalty
    group by activity_date, consumer_key

),

purchases as (

    select
        consumer_key,
        activity_date as purchased_on,
        lag(activity_date) over (partition by consumer_key order by activity_date) as purchased_before
    from sales_days
    where orders > 0

),

-- The days on which a stage may end without anything happening: what comes later is not known yet.
thresholds as (

    {% for days in [at_risk, lapsed] -%}
    select
        consumer_key,
        cast({{ dbt.dateadd('day', days, 'purchased_on') }} as date) as activity_date
    from purchases
    {{ 'union' if not loop.last }}
    {% endfor %}

),

reached as (

    select thresholds.*
    from thresholds
    where activity_date <= {{ last_day_applied('activity_date') }}

),

days as (

    select consumer_key, activity_date from sales_days
    union
    select consumer_key, activity_date from interaction_days
    union
    select consumer_key, activity_date from loyalty_days
    union
    select consumer_key, activity_date from reached

),

active_days as (

    select
        days.consumer_key,
        days.activity_date,
        sales_days.consumer_key is not null
            or interaction_days.consumer_key is not null
            or loyalty_days.consumer_key is not null as has_activity,
        coalesce(sales_days.orders, 0) as orders,
        coalesce(sales_days.order_lines, 0) as order_lines,
        coalesce(sales_days.quantity, 0) as quantity,
        coalesce(sales_days.gross_sales, 0) as gross_sales,
        coalesce(sales_days.discount_amount, 0) as discount_amount,
        coalesce(sales_days.net_sales, 0) as net_sales,
        coalesce(sales_days.cost, 0) as cost,
        coalesce(sales_days.margin, 0) as margin,
        coalesce(sales_days.returned_quantity, 0) as returned_quantity,
        coalesce(sales_days.refund_amount, 0) as refund_amount,
        coalesce(interaction_days.interactions, 0) as interactions,
        interaction_days.satisfaction,
        coalesce(loyalty_days.points_earned, 0) as points_earned,
        coalesce(loyalty_days.points_redeemed, 0) as points_redeemed,
        loyalty_days.points,
        case when sales_days.orders > 0 then days.activity_date end as purchased_on,
        -- A comeback is the first purchase, or one after being lapsed.
        case
            when purchases.purchased_on is not null
                and (
                    purchases.purchased_before is null
                    or purchases.purchased_on >= cast({{ dbt.dateadd('day', lapsed, 'purchases.purchased_before') }} as date)
                )
                then purchases.purchased_on
        end as came_back_on
    from days
    {% for each in ['sales_days', 'interaction_days', 'loyalty_days'] -%}
    left join {{ each }}
        on days.consumer_key = {{ each }}.consumer_key
        and days.activity_date = {{ each }}.activity_date
    {% endfor -%}
    left join purchases
        on days.consumer_key = purchases.consumer_key
        and days.activity_date = purchases.purchased_on

),

{% set so_far = 'over (partition by consumer_key order by activity_date rows unbounded preceding)' -%}

so_far as (

    select
        *,
        min(purchased_on) {{ so_far }} as first_purchased_on,
        max(purchased_on) {{ so_far }} as last_purchased_on,
        max(came_back_on) {{ so_far }} as last_came_back_on,
        sum(orders) {{ so_far }} as orders_so_far,
        sum(net_sales) {{ so_far }} as net_sales_so_far,
        sum(points) {{ so_far }} as points_balance
    from active_days

),

staged as (

    select
        *,
        {{ dbt.datediff('last_purchased_on', 'activity_date', 'day') }} as recency_days,
        case
            when last_purchased_on is null then null
            when {{ dbt.datediff('last_purchased_on', 'activity_date', 'day') }} >= {{ lapsed }} then 'lapsed'
            when {{ dbt.datediff('last_purchased_on', 'activity_date', 'day') }} >= {{ at_risk }} then 'at risk'
            when last_came_back_on = first_purchased_on
                and {{ dbt.datediff('first_purchased_on', 'activity_date', 'day') }} < {{ at_risk }} then 'new'
            when last_came_back_on > first_purchased_on
                and {{ dbt.datediff('last_came_back_on', 'activity_date', 'day') }} < {{ at_risk }} then 'won back'
            else 'active'
        end as life_cycle_stage
    from so_far

),

compared as (

    select
        *,
        lag(life_cycle_stage) over (partition by consumer_key order by activity_date) as previous_stage
    from staged

),

final as (

    select
        compared.activity_date,
        compared.consumer_key,
        history.country,
        history.state_province,
        compared.orders,
        compared.order_lines,
        compared.quantity,
        compared.gross_sales,
        compared.discount_amount,
        compared.net_sales,
        compared.cost,
        compared.margin,
        compared.returned_quantity,
        compared.refund_amount,
        compared.interactions,
        compared.satisfaction,
        cast(compared.points_earned as bigint) as points_earned,
        cast(compared.points_redeemed as bigint) as points_redeemed,
        cast(compared.points_balance as bigint) as points_balance,
        cast(compared.orders_so_far as bigint) as orders_so_far,
        cast(compared.net_sales_so_far as decimal(38, 6)) as net_sales_so_far,
        compared.recency_days,
        compared.life_cycle_stage,
        compared.previous_stage,
        compared.life_cycle_stage is distinct from compared.previous_stage as is_stage_change

    from compared
    left join history
        on compared.consumer_key = history.consumer_key
        and {{ as_of('history', 'compared.activity_date') }}
    where compared.has_activity
        or compared.life_cycle_stage <> compared.previous_stage

)

select * from final
