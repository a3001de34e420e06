with

    -- The 13 weeks that end with the week: a forecast of 13 weeks ago is compared with them.
    weeks as (

        select week_start, week_end, cast({{ dbt.dateadd("day", -91, "week_end") }} as date) as quarter_start
        from ({{ weeks_of_window() }}) as weeks_of_window

    ),

    purchase_days as ({{ purchase_days() }}),

    refunds as ({{ refunds() }}),

    until_week as (

        select
            weeks.week_start,
            weeks.week_end,
            weeks.quarter_start,
            purchase_days.*,
            min(purchase_days.order_date) over (
                partition by weeks.week_start, purchase_days.consumer_key
            ) as first_purchase_date

        from weeks
        inner join purchase_days on purchase_days.order_date < weeks.week_end

    ),

    purchases as (

        select
            week_start,
            week_end,
            quarter_start,
            consumer_key,
            first_purchase_date,
            max(order_date) as last_purchase_date,
            min(case when order_date = first_purchase_date then sales_channel end) as first_channel,
            count(*) as purchases,
            sum(net_amount) as revenue,
            sum(margin) as margin,
            count(
                case when order_date > first_purchase_date then margin end
            ) as later_purchases_of_known_margin,
            sum(case when order_date > first_purchase_date then margin end) as later_margin,
            count(case when order_date >= quarter_start then 1 end) as purchases_in_quarter,
            sum(case when order_date >= quarter_start then margin end) as margin_in_quarter

        from until_week
        group by week_start, week_end, quarter_start, consumer_key, first_purchase_date

    ),

    taken as (

        select
            purchases.week_start,
            purchases.consumer_key,
            sum(refunds.refund_amount) as refund_amount,
            sum(refunds.lost_margin) as lost_margin,
            sum(
                case when refunds.order_date > purchases.first_purchase_date then refunds.lost_margin end
            ) as lost_later_margin,
            sum(
                case when refunds.order_date >= purchases.quarter_start then refunds.lost_margin end
            ) as lost_margin_in_quarter

        from purchases
        inner join
            refunds
            on purchases.consumer_key = refunds.consumer_key
            and refunds.return_date < purchases.week_end
            and refunds.order_date < purchases.week_end
        group by purchases.week_start, purchases.consumer_key

    ),

    final as (

        select
            purchases.week_start,
            purchases.consumer_key,
            case when consumers.consumer_type = 'store' then 'reseller' else 'person' end as population,
            purchases.first_channel,
            purchases.first_purchase_date,
            purchases.last_purchase_date,
            cast(purchases.purchases as integer) as purchases,
            cast(
                {{ dbt.datediff("purchases.first_purchase_date", "purchases.last_purchase_date", "day") }}
                as integer
            ) as first_to_last_days,
            cast(
                {{ dbt.datediff("purchases.first_purchase_date", "purchases.week_end", "day") }} as integer
            ) as age_days,
            cast(purchases.revenue - coalesce(taken.refund_amount, 0) as decimal(38, 6)) as revenue_to_date,
            cast(purchases.margin - coalesce(taken.lost_margin, 0) as decimal(38, 6)) as margin_to_date,
            cast(purchases.later_purchases_of_known_margin as integer) as later_purchases_of_known_margin,
            cast(
                purchases.later_margin - coalesce(taken.lost_later_margin, 0) as decimal(38, 6)
            ) as later_margin,
            cast(purchases.purchases_in_quarter as integer) as purchases_last_13_weeks,
            cast(
                case
                    when purchases.purchases_in_quarter = 0
                    then 0
                    else purchases.margin_in_quarter - coalesce(taken.lost_margin_in_quarter, 0)
                end as decimal(38, 6)
            ) as margin_last_13_weeks

        from purchases
        inner join
            {{ ref("wh_dim_consumer") }} as consumers on purchases.consumer_key = consumers.consumer_key
        left join
            taken on purchases.week_start = taken.week_start and purchases.consumer_key = taken.consumer_key

    )

select *
from final
