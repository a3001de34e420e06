"""What was asked for, week by week, as far as it is known at the end of a week.

Weeks are counted back from it: age 0 is the week itself. A day without stock is missing, not zero: a week has
the pieces and the number of its days that count.
"""

from retail_assets.demand.catalog import SERIES
from retail_assets.resources.sql import monday
from retail_assets.resources.weekly_tables import weeks_later

DEMAND, SALES = "warehouse.wh_fact_demand_weeks", "warehouse.wh_fact_product_days"
UNKNOWN = "'00000000000000000000000000000000'"
"""The member that stands for a place that is not known; the dbt project's `unknown_key`."""
WEEKS = 130
"""Weeks that count: two years before each of 13 weeks ahead, and some to compare them with."""


def series_of(week: str) -> str:
    """A query: what is to be forecast at the end of a week, by number.

    Numbers are those of the keys in their order, so that the same data has the same ones.
    """
    return f"""
    select
        row_number() over (order by product_key, location_key) as series,
        product_key,
        location_key,
        category,
        source,
        first_date
    from {SERIES}
    where week_start = {monday(week)} and not is_discontinued"""


def history_of(week: str, series: str, weeks: int = WEEKS) -> str:
    """A query: series, category, age, quantity and days of each week with a day that counts.

    `series` is a table of `series_of`. Where a center's levels are known, days count as the fact says. Where
    they are not, days without a row are days on which nothing left; and weeks of which a center, or the
    sales, has no row at all are missing.
    """
    begin = monday(weeks_later(week, 1 - weeks))
    within = f"week_start >= {begin} and week_start <= {monday(week)}"
    week_of_sale = "cast(date_trunc('week', sales_date) as date)"
    sold = f"sales_date >= {begin} and sales_date < {monday(weeks_later(week, 1))}"
    return f"""
    with observed as (

        select
            product_key,
            location_key,
            week_start,
            max(days_counted) as days,
            sum(quantity_counted) as quantity
        from {DEMAND}
        where {within}
        group by product_key, location_key, week_start

        union all

        select product_key, {UNKNOWN}, {week_of_sale}, 7, sum(quantity)
        from {SALES}
        where {sold}
        group by product_key, {week_of_sale}

    ),

    reported as (

        select location_key, week_start, sum(days_with_level) as levels
        from {DEMAND}
        where {within}
        group by location_key, week_start

        union all

        select {UNKNOWN}, week_start, 0
        from (select distinct {week_of_sale} as week_start from {SALES} where {sold}) as weeks_of_sales

    ),

    weeks as (

        select
            series.series,
            series.category,
            cast(cast(datediff('day', reported.week_start, {monday(week)}) as double) / 7 as integer) as age,
            case when observed.quantity > 0 then observed.quantity else 0 end as quantity,
            case
                when reported.levels > 0 then coalesce(observed.days, 0)
                else least(7, 7 + datediff('day', series.first_date, reported.week_start))
            end as days
        from {series} as series
        inner join reported
            on series.location_key = reported.location_key
            and reported.week_start >= cast(date_trunc('week', series.first_date) as date)
        left join observed
            on series.product_key = observed.product_key
            and series.location_key = observed.location_key
            and reported.week_start = observed.week_start

    )

    select series, category, age, cast(quantity as decimal(38, 4)) as quantity, cast(days as integer) as days
    from weeks
    where days > 0"""
