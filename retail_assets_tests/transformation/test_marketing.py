"""Marketing, from a simulated retailer's raw rows to the marts: attribution is the planted rule's, row for
row, the planted uplift of an offer lies within its interval, and days run one by one make what one window
does.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from retail_assets_tests.transformation.dbt_on_raw import DbtOnRaw
from retail_assets_tests.transformation.simulated_raw import fill_raw
from simulated_retailer import Retailer, simulate

FIRST = date(2024, 1, 1)
DAYS = 330
NEW_DAYS = 2
MODELS = (
    "wh_dim_media_channels",
    "wh_dim_offers",
    "wh_fact_attribution",
    "wh_fact_offer_uplift",
    "wh_fact_product_days",
    "mrt_media_channels",
    "mrt_offers",
)
ENOUGH = 20
"""Pieces during an offer from which on its interval says anything."""


class Marketing(DbtOnRaw):
    """Marketing's models, built from the raw rows of a simulated retailer."""

    def build(self, first: int, after: int, command: str = "run") -> None:
        """One window, `[first, after)`, in days since FIRST."""
        variables = {
            "window_start": f"{FIRST + timedelta(days=first)} 00:00:00",
            "window_end": f"{FIRST + timedelta(days=after)} 00:00:00",
            "timezone": "UTC",
        }
        chosen = ["+mrt_offers", "+mrt_media_channels"] if command == "run" else list(MODELS)
        excluded = ["--exclude", "test_type:unit"] if command == "test" else []
        result = self.dbt(command, "--select", *chosen, *excluded, variables=variables)
        assert result.success, [
            node.message for node in result.result if node.status not in ("success", "pass")
        ]

    def query(self, statement: str, **tables: Any) -> list[tuple[Any, ...]]:
        with duckdb.connect(self.settings.duckdb_path, read_only=True) as connection:
            for name, table in tables.items():
                connection.register(name, table)
            return connection.execute(statement).fetchall()

    def rows(self) -> Mapping[str, list[tuple[Any, ...]]]:
        schemas = {name: "mart_marketing" if name.startswith("mrt") else "warehouse" for name in MODELS}
        return {name: self.query(f"from {schema}.{name} order by all") for name, schema in schemas.items()}


@pytest.fixture(scope="module")
def world() -> Retailer:
    return simulate(consumers=1000, days=DAYS, seed=3, start=FIRST)


@pytest.fixture(scope="module")
def marketing(tmp_path_factory: pytest.TempPathFactory, parsed_project: Path, world: Retailer) -> Marketing:
    """All days in one window. Tests only read it."""
    marketing = Marketing(tmp_path_factory.mktemp("marketing"), parsed_project)
    fill_raw(marketing, world)
    marketing.build(-4000, DAYS)
    return marketing


def test_attribution_is_the_planted_rules(marketing: Marketing, world: Retailer) -> None:
    truth = world.truth["attribution"]
    order = "order by order_system, order_id, rule, touch_id"
    expected = marketing.query(f"select *, revenue from truth {order}", truth=truth)
    found = marketing.query(
        f"""
        select source_system as order_system, cast(order_id as bigint) as order_id, rule, touch_id,
               campaign_id, media_channel_id, attributed_revenue
        from warehouse.wh_fact_attribution {order}
        """
    )
    assert len(expected) > 1000
    assert found == [row[:7] for row in expected]


def test_the_mart_gives_out_what_was_attributed(marketing: Marketing) -> None:
    [sums] = marketing.query(
        "select sum(last_touch_revenue), sum(linear_revenue) from mart_marketing.mrt_media_channels"
    )
    [(total,)] = marketing.query(
        "select sum(attributed_revenue) from warehouse.wh_fact_attribution where rule = 'linear'"
    )
    assert sums == (total, total)


def test_planted_uplifts_lie_within_their_intervals(marketing: Marketing, world: Retailer) -> None:
    """As settled at the end of the days that come after each offer."""
    found = marketing.query(
        f"""
        select offer_id, truth.uplift between mart.uplift_low and mart.uplift_high
        from truth
        left join mart_marketing.mrt_offers as mart using (offer_id)
        where days_after = 21 and measured_quantity >= {ENOUGH}
        qualify row_number() over (partition by offer_id order by activity_date) = 1
        """,
        truth=world.truth["marketing_offers"],
    )
    assert len(found) >= 10
    within = sum(is_within for _, is_within in found)
    assert within >= 0.9 * len(found), found


def test_a_cap_is_used_up(marketing: Marketing) -> None:
    used = marketing.query(
        "select max(usage_share) from mart_marketing.mrt_offers where max_usage is not null group by offer_id"
    )
    assert used == [(1,)]


def test_data_tests_hold(marketing: Marketing) -> None:
    marketing.build(-4000, DAYS, "test")


def test_days_one_by_one_make_the_same(
    tmp_path_factory: pytest.TempPathFactory, parsed_project: Path, world: Retailer, marketing: Marketing
) -> None:
    daily = Marketing(tmp_path_factory.mktemp("daily"), parsed_project)
    history_end = FIRST + timedelta(days=DAYS - NEW_DAYS)
    for day in [history_end] + [history_end + timedelta(days=number + 1) for number in range(NEW_DAYS)]:
        fill_raw(daily, world, until=day)
        number = (day - FIRST).days
        daily.build(-4000 if day == history_end else number - 1, number)
    expected = marketing.rows()
    for name, rows in daily.rows().items():
        assert expected[name], name
        missing, unexpected = set(expected[name]) - set(rows), set(rows) - set(expected[name])
        assert (missing, unexpected) == (set(), set()), name
        assert len(rows) == len(expected[name]), name
