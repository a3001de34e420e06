"""The real weekly job: over the simulated retailer, and over customers whose habits are planted."""

import shutil
from collections.abc import Iterator
from datetime import timedelta

import duckdb
import numpy as np
import pytest

from retail_assets.lifetime_value.catalog import COLUMNS
from retail_assets.segmentation import pictures
from retail_assets_tests.conftest import WEEKS, Deployment, WeeklyDeployment
from retail_assets_tests.lifetime_value.planted import lives

LAST = WEEKS[-1] + timedelta(weeks=13)
HISTORY = 104


def test_a_young_shop_has_values_to_date_and_says_why_nothing_is_expected(built):
    for week in WEEKS:
        purchases, values, to_date, expected, risks = built.query(
            "select (select count(*) from mart_lifetime_value.customer_purchases"
            f" where week_start = '{week}'), count(*), count(margin_to_date),"
            " count(expected_orders_13_weeks), min(churn_risk)"
            f" from mart_lifetime_value.customer_lifetime_value where week_start = '{week}'"
        )[0]
        assert purchases == values > 100
        assert to_date > 0.9 * values
        assert (expected, risks) == (0, "unknown")
    assert all(
        "weeks old; it takes 13." in reason
        for (reason,) in built.query("select reason from mart_lifetime_value.lifetime_value_model")
    )


def test_purchases_sum_to_the_sales(built):
    """Of the last week, revenue before returns of known consumers, and their margin after returns."""
    end = WEEKS[-1] + timedelta(weeks=1)
    ((revenue, refunds),) = built.query(
        "select (select sum(net_amount) from warehouse.wh_fact_sales where is_sale and consumer_key in people"
        f" and order_date < '{end}'), (select sum(refund_amount) from warehouse.wh_fact_sales_returns"
        f" where consumer_key in people and return_date < '{end}' and order_date < '{end}')"
        " from (select list(consumer_key) as people from mart_lifetime_value.customer_purchases"
        f" where week_start = '{WEEKS[-1]}')"
    )
    ((told,),) = built.query(
        "select sum(revenue_to_date) from mart_lifetime_value.customer_purchases"
        f" where week_start = '{WEEKS[-1]}'"
    )
    assert refunds > 0
    assert told == revenue - refunds


def test_cohorts_begin_whole_and_are_all_who_have_bought(built):
    ((customers, kept, everybody),) = built.query(
        "select sum(customers), min(kept_share), (select count(*) from mart_lifetime_value.customer_purchases"
        f" where week_start = '{WEEKS[-1]}') from mart_lifetime_value.cohort_retention"
        f" where week_start = '{WEEKS[-1]}' and months_since = 0"
    )
    assert customers == everybody
    assert kept == 1


@pytest.fixture(scope="module")
def planted(built, tmp_path_factory) -> Iterator[WeeklyDeployment]:
    """Two years of customers as the model has them; the first week, and the one 13 weeks later."""
    folder = tmp_path_factory.mktemp("values")
    shutil.copytree(built.settings.home, folder, dirs_exist_ok=True)
    settings = built.settings.model_copy(update={"home": folder, "end_date": LAST + timedelta(days=6)})
    deployment = Deployment(settings)
    _plant(deployment)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pictures, "pictures", lambda week: {})
        # The later week first: the record must not mind.
        deployment.run_weeks(LAST, LAST)
        yield WeeklyDeployment(settings, deployment.run_weeks(WEEKS[-1], WEEKS[-1]))


def _plant(deployment: Deployment) -> None:
    """Replace all sales by those of people who begin over the whole time."""
    begin = WEEKS[-1] - timedelta(weeks=HISTORY - 1)
    sales = lives(1_500, 7 * (HISTORY + 13), 31)
    sales["day"] = np.floor(sales["at"]).astype(int)
    sales["line"] = np.arange(len(sales))
    with duckdb.connect(deployment.settings.duckdb_path) as connection:
        for table in COLUMNS:
            connection.execute(f"delete from mart_lifetime_value.{table}")
        for table in ("segmentation_model", "customer_segments", "segment_profiles"):
            connection.execute(f"delete from mart_segmentation.{table}")
        # The days that are planted count as built.
        connection.execute("delete from quality.table_states")
        connection.register("planted", sales)
        for table, columns in {
            "wh_dim_consumer": (
                f"distinct 'p' || customer as consumer_key, 'person' as consumer_type,"
                f" date '{begin}' as known_since, false as in_crm"
            ),
            "wh_consumer_identities": (
                "distinct 'p' || customer as consumer_key, 'erp' as source_system,"
                " 'p' || customer as source_id"
            ),
            "wh_fact_sales": (
                "'p' || customer as consumer_key, 'erp' as source_system, line as order_id,"
                f" line as order_line_id, date '{begin}' + cast(day as integer) as order_date,"
                " true as is_sale,"
                " 'online' as sales_channel, 1 as quantity, 'a' as product_key, 2 * margin as net_amount,"
                " 0 as discount_amount, margin as unit_cost, margin as margin"
            ),
        }.items():
            connection.execute(f"delete from warehouse.{table}")
            connection.execute(f"insert into warehouse.{table} by name select {columns} from planted")
        connection.execute("delete from warehouse.wh_fact_sales_returns")


def test_a_forecast_is_made_and_has_its_record(planted):
    rows = planted.query(
        "select predicted_week, sum(customers), sum(predicted_orders), sum(happened_orders),"
        " bool_and(beats_own_rate), count(*) from mart_lifetime_value.value_calibration"
        f" where week_start = '{LAST}' group by predicted_week"
    )
    ((predicted_week, customers, predicted, happened, better, deciles),) = rows
    assert (predicted_week, deciles, better) == (WEEKS[-1], 10, True)
    assert customers > 1_000
    assert float(predicted) == pytest.approx(happened, rel=0.15)
    ((bought,),) = planted.query(
        "select count(distinct (consumer_key, order_date)) from warehouse.wh_fact_sales as sales"
        f" where order_date >= '{WEEKS[-1] + timedelta(weeks=1)}'"
        f" and order_date < '{LAST + timedelta(weeks=1)}'"
        " and consumer_key in (select consumer_key from mart_lifetime_value.customer_lifetime_value"
        f" where week_start = '{WEEKS[-1]}')"
    )
    assert happened == bought


def test_readers_see_the_forecast(planted):
    with duckdb.connect(planted.settings.published_path, read_only=True) as connection:
        assert connection.execute(
            "select count(*) > 1000, bool_and(expected_margin_52_weeks > 0)"
            f" from mart_lifetime_value.customer_lifetime_value where week_start = '{WEEKS[-1]}'"
        ).fetchall() == [(True, True)]


def test_checks_are_told(planted):
    told = {
        each.check_name: each
        for each in planted.result.get_asset_check_evaluations()
        if each.asset_key.path[0] == "mart_lifetime_value"
    }
    assert {
        "parameters_are_told",
        "one_value_each",
        "values_are_sound",
        "beats_own_rate",
        "calibrated",
    } <= set(told)
    assert all(each.passed for each in told.values())
