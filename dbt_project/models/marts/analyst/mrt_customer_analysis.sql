{{ affected_by("affected_customers", key="consumer_key", since="activity_date") }}

{% set at_risk = var("at_risk_days") %}
{% set lapsed = var("lapsed_days") %}

with

    -- An incremental run continues from a consumer's last row before the first affected day.
    affected as (

        {% if is_incremental() -%}select consumer_key, affected_from from {{ affected() }}
        {%- else -%}
            select consumer_key, {{ beginning_of_time() }} as affected_from from {{ ref("wh_dim_consumer") }}
        {%- endif %}

    ),

    before as (

        {% if is_incremental() -%}
            select
                customers.consumer_key,
                customers.activity_date,
                customers.first_purchase_date,
                customers.last_purchase_date,
                customers.came_back_date,
                customers.orders_so_far,
                customers.net_sales_so_far,
                customers.points_balance,
                customers.life_cycle_stage
            from {{ this }} as customers
            inner join
                affected
                on customers.consumer_key = affected.consumer_key
                and customers.activity_date < affected.affected_from
            qualify
                row_number() over (
                    partition by customers.consumer_key order by customers.activity_date desc nulls last
                )
                = 1
        {%- else -%}
            select
                consumer_key,
                cast(null as date) as activity_date,
                cast(null as date) as first_purchase_date,
                cast(null as date) as last_purchase_date,
                cast(null as date) as came_back_date,
                cast(null as bigint) as orders_so_far,
                cast(null as decimal(38, 6)) as net_sales_so_far,
                cast(null as bigint) as points_balance,
                cast(null as varchar) as life_cycle_stage
            from affected
            where 1 = 0
        {%- endif %}

    ),

    movements as (

        select movements.*
        from ({{ channel_movements(["consumer_key"]) }}) as movements
        inner join
            affected
            on movements.consumer_key = affected.consumer_key
            and movements.sales_date >= affected.affected_from

    ),

    interactions as (

        select interactions.*
        from {{ ref("wh_fact_interactions") }} as interactions
        inner join
            affected
            on interactions.consumer_key = affected.consumer_key
            and interactions.interaction_date >= affected.affected_from

    ),

    loyalty as (

        select loyalty.*
        from {{ ref("wh_fact_loyalty") }} as loyalty
        inner join
            affected
            on loyalty.consumer_key = affected.consumer_key
            and loyalty.activity_date >= affected.affected_from

    ),

    history as (select * from {{ ref("wh_dim_consumer_history") }}),

    sales_days as (

        select sales_date as activity_date, consumer_key, {{ channel_measures() }}
        from movements
        group by sales_date, consumer_key

    ),

    interaction_days as (

        select
            interaction_date as activity_date,
            consumer_key,
            count(*) as interactions,
            {{ ratio("sum(satisfaction_score)", "count(satisfaction_score)") }} as satisfaction
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

    -- Of the purchases before that day two matter: the newest one, and the first one or newest comeback.
    purchase_days as (

        select consumer_key, activity_date as purchased_on, true as is_affected
        from sales_days
        where orders > 0 and consumer_key <> {{ unknown_key() }}
        union all
        select consumer_key, last_purchase_date as purchased_on, false as is_affected
        from before
        where last_purchase_date is not null
        union all
        select consumer_key, came_back_date as purchased_on, false as is_affected
        from before
        where came_back_date < last_purchase_date

    ),

    purchases as (

        select *, lag(purchased_on) over (partition by consumer_key order by purchased_on) as purchased_before
        from purchase_days

    ),

    -- The days on which a stage may end without an activity.
    thresholds as (

        {% for days in [at_risk, lapsed] -%}
            select consumer_key, cast({{ dbt.dateadd("day", days, "purchased_on") }} as date) as activity_date
            from purchases {{ 'union' if not loop.last }}
        {% endfor %}

    ),

    reached as (

        -- Days after the last applied day are not known yet.
        select thresholds.*
        from thresholds
        inner join
            affected
            on thresholds.consumer_key = affected.consumer_key
            and thresholds.activity_date >= affected.affected_from
        where thresholds.activity_date <= {{ last_day_applied("activity_date") }}

    ),

    days as (

        select consumer_key, activity_date
        from sales_days
        union
        select consumer_key, activity_date
        from interaction_days
        union
        select consumer_key, activity_date
        from loyalty_days
        union
        select consumer_key, activity_date
        from reached

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
            sales_days.cost,
            sales_days.margin,
            coalesce(sales_days.returned_quantity, 0) as returned_quantity,
            coalesce(sales_days.refund_amount, 0) as refund_amount,
            coalesce(interaction_days.interactions, 0) as interactions,
            interaction_days.satisfaction,
            coalesce(loyalty_days.points_earned, 0) as points_earned,
            coalesce(loyalty_days.points_redeemed, 0) as points_redeemed,
            loyalty_days.points,
            -- The unknown consumer stands for many people, and has no life cycle.
            case
                when sales_days.orders > 0 and days.consumer_key <> {{ unknown_key() }}
                then days.activity_date
            end as purchased_on,
            -- The first purchase, or one after having lapsed.
            case
                when
                    purchases.is_affected
                    and (
                        purchases.purchased_before is null
                        or purchases.purchased_on
                        >= cast({{ dbt.dateadd("day", lapsed, "purchases.purchased_before") }} as date)
                    )
                then purchases.purchased_on
            end as came_back_on
        from days
        {% for each in ["sales_days", "interaction_days", "loyalty_days"] -%}
            left join
                {{ each }}
                on days.consumer_key = {{ each }}.consumer_key
                and days.activity_date = {{ each }}.activity_date
        {% endfor -%}
        left join
            purchases
            on days.consumer_key = purchases.consumer_key
            and days.activity_date = purchases.purchased_on
            and purchases.is_affected

    ),

    {% set so_far = "over (partition by active_days.consumer_key order by active_days.activity_date rows unbounded preceding)" -%}

    so_far as (

        select
            active_days.*,
            coalesce(
                before.first_purchase_date, min(active_days.purchased_on) {{ so_far }}
            ) as first_purchase_date,
            coalesce(
                max(active_days.purchased_on) {{ so_far }}, before.last_purchase_date
            ) as last_purchase_date,
            coalesce(max(active_days.came_back_on) {{ so_far }}, before.came_back_date) as came_back_date,
            sum(active_days.orders) {{ so_far }} + coalesce(before.orders_so_far, 0) as orders_so_far,
            sum(active_days.net_sales) {{ so_far }}
            + coalesce(before.net_sales_so_far, 0) as net_sales_so_far,
            case
                when before.points_balance is null
                then sum(active_days.points) {{ so_far }}
                else before.points_balance + coalesce(sum(active_days.points) {{ so_far }}, 0)
            end as points_balance,
            before.life_cycle_stage as stage_before
        from active_days
        left join before on active_days.consumer_key = before.consumer_key

    ),

    staged as (

        select
            *,
            {{ dbt.datediff("last_purchase_date", "activity_date", "day") }} as recency_days,
            case
                when last_purchase_date is null
                then null
                when {{ dbt.datediff("last_purchase_date", "activity_date", "day") }} >= {{ lapsed }}
                then 'lapsed'
                when {{ dbt.datediff("last_purchase_date", "activity_date", "day") }} >= {{ at_risk }}
                then 'at risk'
                when {{ dbt.datediff("came_back_date", "activity_date", "day") }} >= {{ at_risk }}
                then 'active'
                when came_back_date = first_purchase_date
                then 'new'
                else 'won back'
            end as life_cycle_stage
        from so_far

    ),

    compared as (

        select
            *,
            coalesce(
                lag(life_cycle_stage) over (partition by consumer_key order by activity_date), stage_before
            ) as previous_stage
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
            compared.first_purchase_date,
            compared.came_back_date,
            compared.last_purchase_date,
            compared.recency_days,
            compared.life_cycle_stage,
            compared.previous_stage,
            compared.life_cycle_stage is distinct from compared.previous_stage as is_stage_change

        from compared
        left join
            history
            on compared.consumer_key = history.consumer_key
            and {{ as_of("history", "compared.activity_date") }}
        where compared.has_activity or compared.life_cycle_stage <> compared.previous_stage

    )

select *
from final
