"""The real daily and weekly jobs over the simulated retailer."""

from datetime import timedelta

import duckdb

from retail_assets_tests.conftest import WEEKS

LAST = WEEKS[-1]


def test_the_weeks_of_the_fact_sum_to_the_days(built):
    weeks, days = (
        built.query(f"select count(*), {columns} from warehouse.{table}")[0]
        for table, columns in {
            "wh_fact_demand_weeks": "sum(quantity), sum(days_counted), sum(quantity_counted)",
            "wh_fact_inventory": "sum(sold), sum(case when opening_quantity = 0 then 0 else 1 end),"
            " sum(case when opening_quantity = 0 then 0 else sold end)",
        }.items()
    )
    assert days[0] > weeks[0] > 1000
    assert weeks[1:] == days[1:]


def test_what_every_center_has_is_forecast_for_13_weeks(built):
    series, forecast, rows, ahead = built.query(
        "select (select count(*) from mart_demand.demand_series"
        f" where week_start = '{LAST}' and not is_discontinued),"
        " count(distinct (product_key, location_key)), count(*), max(weeks_ahead)"
        f" from mart_demand.demand_forecast where week_start = '{LAST}'"
    )[0]
    assert series > 300
    assert forecast > 0.99 * series
    assert (rows, ahead) == (13 * forecast, 13)
    # Everything that is sold is in the inventory here.
    assert built.query("select distinct source from mart_demand.demand_series") == [("inventory",)]


def test_the_first_forecast_has_its_record_in_the_week_after(built):
    rows = built.query(
        "select week_start, predicted_week, weeks_ahead, quantity, beats_seasonal_naive"
        " from mart_demand.forecast_accuracy where category = '(all)'"
    )
    ((week, predicted, ahead, quantity, better),) = rows
    assert (week, predicted, ahead, better) == (LAST, WEEKS[0], 1, True)
    ((sold,),) = built.query(
        "select sum(sold) from warehouse.wh_fact_inventory where opening_quantity > 0"
        f" and snapshot_date >= '{LAST}' and snapshot_date < '{LAST + timedelta(weeks=1)}'"
    )
    assert 0.95 * float(sold) < float(quantity) <= float(sold)


def test_readers_see_the_forecasts(built):
    with duckdb.connect(built.settings.published_path, read_only=True) as connection:
        ((rows,),) = connection.execute("select count(*) from mart_demand.demand_forecast").fetchall()
    assert rows > 1000
