with

    weeks as ({{ weeks_of_window() }}),

    -- The numbers of the months in 100 years.
    months as (

        select 12 * years.days + months.days as months_since
        from {{ numbers_of_days(0, 99) }} as years
        cross join {{ numbers_of_days(0, 11) }} as months

    ),

    purchase_days as ({{ purchase_days() }}),

    refunds as ({{ refunds() }}),

    consumers as (

        select
            weeks.week_start,
            weeks.week_end,
            purchases.consumer_key,
            purchases.first_channel as sales_channel,
            cast({{ dbt.date_trunc("month", "purchases.first_purchase_date") }} as date) as cohort_month

        from weeks
        inner join {{ ref("customer_purchases") }} as purchases on weeks.week_start = purchases.week_start

    ),

    cohorts as (

        select week_start, week_end, cohort_month, sales_channel, count(*) as cohort_customers
        from consumers
        group by week_start, week_end, cohort_month, sales_channel

    ),

    -- Every month that has begun by the end of the week, even if nobody of the cohort bought in it.
    cohort_months as (

        select
            cohorts.*,
            months.months_since,
            cast(
                {{ dbt.dateadd("month", "months.months_since", "cohorts.cohort_month") }} as date
            ) as month_start

        from cohorts
        inner join
            months
            on cast({{ dbt.dateadd("month", "months.months_since", "cohorts.cohort_month") }} as date)
            < cohorts.week_end

    ),

    bought as (

        select
            consumers.week_start,
            consumers.cohort_month,
            consumers.sales_channel,
            cast({{ dbt.date_trunc("month", "purchase_days.order_date") }} as date) as month_start,
            count(distinct consumers.consumer_key) as customers,
            count(*) as orders,
            sum(purchase_days.margin) as margin

        from consumers
        inner join
            purchase_days
            on consumers.consumer_key = purchase_days.consumer_key
            and purchase_days.order_date < consumers.week_end
        group by
            consumers.week_start,
            consumers.cohort_month,
            consumers.sales_channel,
            cast({{ dbt.date_trunc("month", "purchase_days.order_date") }} as date)

    ),

    lost as (

        select
            consumers.week_start,
            consumers.cohort_month,
            consumers.sales_channel,
            cast({{ dbt.date_trunc("month", "refunds.order_date") }} as date) as month_start,
            sum(refunds.lost_margin) as margin

        from consumers
        inner join
            refunds
            on consumers.consumer_key = refunds.consumer_key
            and refunds.return_date < consumers.week_end
            and refunds.order_date < consumers.week_end
        group by
            consumers.week_start,
            consumers.cohort_month,
            consumers.sales_channel,
            cast({{ dbt.date_trunc("month", "refunds.order_date") }} as date)

    ),

    final as (

        select
            cohort_months.week_start,
            cohort_months.cohort_month,
            cast(cohort_months.months_since as integer) as months_since,
            cohort_months.sales_channel,
            cohort_months.month_start,
            cast({{ dbt.dateadd("month", 1, "cohort_months.month_start") }} as date)
            <= cohort_months.week_end as is_complete,
            cast(cohort_months.cohort_customers as bigint) as cohort_customers,
            cast(coalesce(bought.customers, 0) as bigint) as customers,
            cast(coalesce(bought.orders, 0) as bigint) as orders,
            cast(
                case when bought.orders is null then 0 else bought.margin end
                - coalesce(lost.margin, 0) as decimal(38, 6)
            ) as margin,
            {{ ratio("coalesce(bought.customers, 0)", "cohort_months.cohort_customers") }} as kept_share

        from cohort_months
        {% for each in ["bought", "lost"] -%}
            left join
                {{ each }}
                on cohort_months.week_start = {{ each }}.week_start
                and cohort_months.cohort_month = {{ each }}.cohort_month
                and cohort_months.sales_channel = {{ each }}.sales_channel
                and cohort_months.month_start = {{ each }}.month_start
        {% endfor %}

    )

select *
from final
