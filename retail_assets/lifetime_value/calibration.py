"""The record: what was predicted 13 weeks before a week's end, and what happened until it."""

from retail_assets.lifetime_value.catalog import CALIBRATION, COLUMNS, RECORD, VALUES, table
from retail_assets.resources.sql import monday
from retail_assets.resources.weekly_tables import weeks_later

DECILES = 10


def insert_calibration(week: str, purchases: str) -> str:
    """The statement that adds a week's rows: none if nothing was predicted. The week's purchases are there.

    Sums are of decimals, so that they are the same in any order.
    """
    predicted = monday(weeks_later(week, -RECORD))
    columns = ", ".join(COLUMNS[CALIBRATION])
    return f"""insert into {table(CALIBRATION)} ({columns})
with predicted as (

    select
        *,
        ntile({DECILES}) over (
            partition by population order by expected_orders_13_weeks desc nulls last, consumer_key
        ) as decile
    from {table(VALUES)}
    where week_start = {predicted} and expected_orders_13_weeks is not null

),

happened as (

    select consumer_key, purchases_last_13_weeks, margin_last_13_weeks
    from {purchases}
    where week_start = {monday(week)}

),

compared as (

    select
        predicted.*,
        coalesce(happened.purchases_last_13_weeks, 0) as orders_then,
        coalesce(happened.margin_last_13_weeks, 0) as margin_then,
        abs(predicted.expected_orders_13_weeks - coalesce(happened.purchases_last_13_weeks, 0)) as error,
        abs(predicted.own_rate_orders_13_weeks - coalesce(happened.purchases_last_13_weeks, 0)) as own_error
    from predicted
    left join happened on predicted.consumer_key = happened.consumer_key

),

deciles as (

    select
        population,
        decile,
        count(*) as customers,
        sum(expected_orders_13_weeks) as predicted_orders,
        sum(own_rate_orders_13_weeks) as own_rate_orders,
        sum(orders_then) as happened_orders,
        sum(expected_margin_13_weeks) as predicted_margin,
        sum(own_rate_margin_13_weeks) as own_rate_margin,
        sum(margin_then) as happened_margin,
        sum(error) as error,
        sum(own_error) as own_error,
        count(case when orders_then between orders_low_13_weeks and orders_high_13_weeks then 1 end) as inside
    from compared
    group by population, decile

),

populations as (

    select population, {_mean("sum(error)", "sum(customers)")} as error,
        {_mean("sum(own_error)", "sum(customers)")} as own_error
    from deciles
    group by population

)

select
    {monday(week)},
    deciles.population,
    deciles.decile,
    {predicted},
    deciles.customers,
    deciles.predicted_orders,
    deciles.own_rate_orders,
    deciles.happened_orders,
    deciles.predicted_margin,
    deciles.own_rate_margin,
    deciles.happened_margin,
    {_mean("deciles.error", "deciles.customers")},
    {_mean("deciles.own_error", "deciles.customers")},
    {_mean("deciles.inside", "deciles.customers")},
    populations.error < populations.own_error,
    case
        when populations.error < populations.own_error then 'Better than the own rate: '
        else 'Not better than the own rate, which is to be used instead: '
    end
        || 'mean absolute error ' || cast(cast(populations.error as decimal(18, 4)) as varchar)
        || ' against ' || cast(cast(populations.own_error as decimal(18, 4)) as varchar)
        || ' purchases in 13 weeks.'
from deciles
inner join populations on deciles.population = populations.population"""


def _mean(total: str, count: str) -> str:
    return f"cast(round(cast({total} as double) / cast({count} as double), 6) as decimal(18, 6))"
