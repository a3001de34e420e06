"""The real weekly job over people whose habits are planted: they stay in their segments for twelve weeks,
then a new kind of customer comes."""

import shutil
from collections.abc import Iterator, Mapping
from datetime import date, timedelta

import duckdb
import numpy as np
import pandas as pd
import pytest

from retail_assets.segmentation import pictures
from retail_assets.segmentation.catalog import COLUMNS
from retail_assets_tests.conftest import Deployment

FIRST = date(2024, 4, 8)
WEEKS = [FIRST + timedelta(weeks=week) for week in range(13)]
BIRTH = WEEKS[-1]
# Per persona: people, orders a week, products in an order, pieces of each.
STABLE = {"mixed basket": (120, 0.5, 5, 1), "stock-up": (100, 0.3, 1, 5), "single": (140, 0.25, 1, 1)}
NEW = {"bulk": (60, 2.0, 8, 9)}
WEEKS_BEFORE = 26


@pytest.fixture(scope="module")
def weekly(built, tmp_path_factory) -> Iterator[Deployment]:
    folder = tmp_path_factory.mktemp("weeks")
    shutil.copytree(built.settings.home, folder, dirs_exist_ok=True)
    settings = built.settings.model_copy(update={"home": folder, "end_date": BIRTH + timedelta(days=6)})
    deployment = Deployment(settings)
    with duckdb.connect(deployment.settings.duckdb_path) as connection:
        for table in COLUMNS:
            connection.execute(f"delete from mart_segmentation.{table}")
        # The days that are planted count as built.
        connection.execute("delete from quality.table_states")
    _plant(deployment, STABLE, FIRST - timedelta(weeks=WEEKS_BEFORE), seed=1)
    _plant(deployment, NEW, BIRTH, seed=2, keep=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", str(folder / "dagster"))
        # Drawing them takes longer than everything else, and is tested elsewhere.
        patch.setattr(pictures, "pictures", lambda week: {})
        deployment.run_weeks(WEEKS[0], BIRTH)
        yield deployment


def _plant(
    deployment: Deployment,
    personas: Mapping[str, tuple[int, float, int, int]],
    since: date,
    seed: int,
    keep: bool = False,
) -> None:
    """Replace, or add to, all consumers and sales by those of people who buy from a day on."""
    draws = np.random.default_rng(seed)
    sales = pd.DataFrame(
        (
            (f"{persona} {person}", f"{persona} {person} {day}", line, day, 1 + draws.poisson(pieces - 1))
            for persona, (people, orders, products, pieces) in personas.items()
            for person in range(people)
            for day in _days(draws, orders, since)
            for line in range(1 + draws.poisson(products - 1))
        ),
        columns=["consumer_key", "order_id", "line", "order_date", "quantity"],
    )
    with duckdb.connect(deployment.settings.duckdb_path) as connection:
        connection.register("planted", sales)
        for table, columns in {
            "wh_dim_consumer": f"distinct consumer_key, '{since}' as known_since, false as in_crm",
            "wh_consumer_identities": (
                "distinct consumer_key, 'erp' as source_system, consumer_key as source_id"
            ),
            "wh_fact_sales": (
                "consumer_key, 'erp' as source_system, order_id, order_id || line as order_line_id,"
                " order_date, true as is_sale, 'online' as sales_channel, quantity,"
                " cast(line as varchar) as product_key, quantity * 20 as net_amount, 0 as discount_amount,"
                " quantity * 5 as margin"
            ),
        }.items():
            if not keep:
                connection.execute(f"delete from warehouse.{table}")
            connection.execute(f"insert into warehouse.{table} by name select {columns} from planted")


def _days(draws: np.random.Generator, orders_a_week: float, since: date) -> list[date]:
    """On which somebody orders; on the first day for certain."""
    length = (BIRTH - since).days + 7
    later = np.flatnonzero(draws.random(length - 1) < orders_a_week / 7) + 1
    return [since + timedelta(days=int(day)) for day in (0, *later)]


def test_everybody_stays_for_twelve_weeks(weekly):
    ((kept, everybody),) = weekly.query(
        "select count(*) filter (segments = 1), count(*) from (select consumer_key,"
        " count(distinct segment) as segments from mart_segmentation.customer_segments"
        f" where week_start < '{BIRTH}' group by consumer_key having count(*) = 12)"
    )
    assert everybody == sum(people for people, *_ in STABLE.values())
    assert kept >= 0.95 * everybody


def test_a_persona_planted_anew_is_a_birth(weekly):
    before, after = weekly.query(
        "select trained_week, segments, events from mart_segmentation.segmentation_model"
        " order by week_start desc limit 2"
    )[::-1]
    assert (before[1], before[2]) == (3, None)
    assert (after[0], after[1]) == (BIRTH, 4)
    assert after[2] == "Segment 4 was born; 60 of its 60 consumers were in no segment."
    assert weekly.query(
        "select split_part(consumer_key, ' ', 1), count(*), count(*) filter (segment = previous_segment)"
        f" from mart_segmentation.customer_segments where week_start = '{BIRTH}' and segment <> 4"
        " group by 1 order by 1"
    ) == [("mixed", 120, 120), ("single", 140, 140), ("stock-up", 100, 100)]
