"""The real weekly job over the simulated retailer, and what deployments have."""

import duckdb
import pytest

from retail_assets.definitions import definitions_of
from retail_assets.prices.catalog import OF_OFFERS
from retail_assets_tests.conftest import WEEKS

ELASTICITIES = {"price_elasticity", "price_model"}


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        ("erp", ELASTICITIES),
        ("webshop", ELASTICITIES),
        ("webshop,marketing", {*ELASTICITIES, *OF_OFFERS, "offer_calendar"}),
        ("marketing,crm", set()),
    ],
)
def test_a_deployment_has_what_its_systems_can_tell(deploy, sources, expected):
    graph = definitions_of(deploy(sources=sources).settings).resolve_asset_graph()
    found = {key.path[-1] for key in graph.get_all_asset_keys() if key.path[0] == "mart_prices"}
    assert found == expected


def test_every_product_has_a_row_and_says_that_five_weeks_are_too_few(built):
    rows = built.query(
        "select week_start, level, status, count(*) from mart_prices.price_elasticity group by all"
    )
    assert {week for week, *_ in rows} == {*WEEKS}
    products = sum(count for week, level, _, count in rows if (week, level) == (WEEKS[-1], "product"))
    assert products > 100
    assert {status for *_, status, _ in rows} <= {
        "price never moved", "resellers only", "too few sales"
    }  # fmt: skip
    assert built.query("select count(distinct model) from mart_prices.price_model") == [(len(WEEKS),)]


def test_every_offer_has_a_verdict(built):
    """Of offers in the past, as mrt_offers knows them at the end of the week."""
    rows = built.query(
        "select plan.offer_id, plan.verdict, plan.margin_uplift, offers.margin_uplift, plan.margin_uplift_low"
        " from mart_prices.offer_plan as plan left join (select * from mart_marketing.mrt_offers"
        f" where activity_date < date '{WEEKS[-1]}' + 7 and uplift is not null"
        " qualify row_number() over (partition by offer_id order by activity_date desc) = 1) as offers"
        f" on plan.offer_id = offers.offer_id where plan.week_start = '{WEEKS[-1]}'"
        " and plan.state <> 'ahead'"
    )
    assert len(rows) > 5
    assert all(here == there for _, _, here, there, _ in rows)
    assert all(low is None or low > 0 for _, verdict, _, _, low in rows if verdict == "paid")
    assert {verdict for _, verdict, *_ in rows} & {"paid", "did not pay", "not certain"}


def test_margins_of_offers_are_those_of_the_orders(built):
    """Of the offers whose products were all bought under them or not at all it is the order lines' own."""
    rows = built.query(
        "select offers.measured_margin + offers.measured_discount, offers.measured_net_amount,"
        " offers.measured_discount, sales.discount from (select * from mart_marketing.mrt_offers"
        " where not is_running and days_after > 0 and uplift is not null"
        " qualify row_number() over (partition by offer_id order by activity_date desc) = 1) as offers"
        " inner join (select offer_id, sum(discount_amount) as discount from warehouse.wh_fact_sales"
        " where is_sale and sales_channel in ('online', 'webshop') group by offer_id) as sales"
        " on offers.offer_id = sales.offer_id"
    )
    assert len(rows) > 3
    for full_margin, net_amount, discount, of_lines in rows:
        assert 0 < discount <= of_lines
        assert float(discount) > 0.9 * float(of_lines)
        assert 0 < full_margin < net_amount + discount


def test_readers_see_the_plan(built):
    with duckdb.connect(built.settings.published_path, read_only=True) as connection:
        ((rows,),) = connection.execute("select count(*) from mart_prices.offer_plan").fetchall()
    assert rows > 5
