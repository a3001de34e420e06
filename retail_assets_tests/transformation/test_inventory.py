"""Stock, from the simulated inventory system to the mart: the levels are the simulation's, the movements
explain them, and days run one by one make what a rebuild makes.

All systems are simulated, since orders move stock; those that stock is read from are ingested.
"""

import shutil
import sqlite3
from datetime import date, timedelta
from pathlib import Path

import pytest

from retail_assets.settings import REFERENCE
from retail_assets_tests.conftest import Deployment, evening, new_deployment
from simulated_retailer import Retailer, simulate, write_sources

FIRST = date(2024, 3, 1)
LAST = FIRST + timedelta(days=34)
NEW_DAYS = [LAST - timedelta(days=number) for number in (1, 0)]
SETTINGS: dict[str, object] = {"sources": "inventory, geo", "start_date": FIRST, "end_date": LAST}
TABLES = ("warehouse.wh_fact_inventory", "warehouse.wh_dim_location", "mart_analyst.mrt_inventory_analysis")
KEY = "snapshot_date, distribution_center_id, sku"

_FIRST_SALE = (
    "(select min(movement_id) from stock_movements where movement_type = 'sale' and moved_at > '{}')"
)
# A movement that was of another day and center, one of another quantity, one of none; a level that cannot be.
CORRECTIONS = (
    """update stock_movements set modified_at = :now, moved_at = '2024-03-12 10:00:00',
    distribution_center_id = 4 where movement_id = """
    + _FIRST_SALE.format("2024-03-01"),
    "update stock_movements set modified_at = :now, quantity = 9 * quantity where movement_id = "
    + _FIRST_SALE.format("2024-03-05"),
    "update stock_movements set modified_at = :now, quantity = 0 where movement_id = "
    + _FIRST_SALE.format("2024-03-15"),
    """update stock_levels set modified_at = :now, quantity_on_hand = -1
    where snapshot_date = '2024-03-20' and sku = (select min(sku) from stock_levels)""",
)


@pytest.fixture(scope="module")
def world() -> Retailer:
    return simulate(consumers=300, days=35, seed=5, start=FIRST)


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory, parsed_project: Path, world: Retailer) -> Deployment:
    """The history in one run, then the new days when they were over, one by one. Tests only read it."""
    deployment = new_deployment(tmp_path_factory.mktemp("stock"), parsed_project, **SETTINGS)
    last_of_history = NEW_DAYS[0] - timedelta(days=1)
    write(world, deployment, last_of_history)
    deployment.run(FIRST, last_of_history)
    for day in NEW_DAYS:
        write(world, deployment, day)
        deployment.run(day)
    return deployment


def write(world: Retailer, deployment: Deployment, day: date) -> None:
    write_sources(
        world, deployment.settings.home / "sources", as_of=evening(day), systems=["inventory", "geo"]
    )


def test_levels_are_the_simulations(stock: Deployment, world: Retailer) -> None:
    truth = world.truth["stock"].select(["date", "distribution_center_id", "sku", "quantity"])
    columns = [column.to_pylist() for column in truth.columns]
    expected = sorted(zip(*columns, strict=True))
    assert len(expected) > 10_000
    assert stock.rows(TABLES[0], f"{KEY}, quantity_on_hand") == expected


def test_movements_explain_every_level(stock: Deployment) -> None:
    """The first level of a product is what came in before it, which no opening level tells."""
    assert stock.query(
        f"""
        select count(*) from {TABLES[0]}
        where unexplained_quantity <> 0
           or (unexplained_quantity is null and quantity_on_hand <>
               received - sold + returned + transferred_in - transferred_out + adjusted - written_off)
        """
    ) == [(0,)]
    assert stock.query(
        f"select count(*) > 0, min(sold), max(sold) > 0, max(received) > 0 from {TABLES[0]}"
    ) == [(True, 0, True, True)]


def test_figures_are_those_of_a_plain_query(stock: Deployment) -> None:
    """Averages and cover, computed over again from the fact's own pieces, day by day."""
    day_key = "day." + KEY.replace(", ", ", day.")
    assert stock.query(
        f"""
        with plain as (
            select {day_key}, sum(past.sold) / (day.snapshot_date - min(past.snapshot_date)) as average
            from {TABLES[0]} as day
            left join {TABLES[0]} as past
                on past.distribution_center_id = day.distribution_center_id and past.sku = day.sku
                and past.snapshot_date between day.snapshot_date - 28 and day.snapshot_date - 1
            group by {day_key}
        )
        select count(*) filter (abs(average_daily_sales - average) > 0.00005
                or (average is null) <> (average_daily_sales is null)
                or abs(days_of_cover - quantity_on_hand / nullif(average, 0)) > 0.05001
                or (coalesce(average, 0) = 0) <> (days_of_cover is null)),
            count(days_of_cover) > 1000
        from {TABLES[0]} inner join plain using ({KEY})
        """
    ) == [(0, True)]


def test_the_mart_has_every_row_of_the_fact(stock: Deployment) -> None:
    assert stock.query(
        f"""
        select count(*) filter (fact.stock_value is distinct from mart.stock_value),
            count(*) filter (is_overstock) > 0, count(*) filter (mart.is_stock_out) > 0
        from {TABLES[0]} as fact full join {TABLES[2]} as mart using ({KEY})
        """
    ) == [(0, True, True)]


def test_every_row_has_its_location(stock: Deployment) -> None:
    assert stock.query(f"select count(*) from {TABLES[0]} anti join {TABLES[1]} using (location_key)") == [
        (0,)
    ]
    # Shops and centers are somewhere; what only the shipped list of places knows is no location.
    places = REFERENCE / "geo" / "places.csv"
    assert stock.query(
        f"select location_type, count(*), count(distinct location_key) from {TABLES[1]} group by 1 order by 1"
    ) == stock.query(
        f"""
        with named as (
            select country, state from read_csv('{stock.sources}/geo/shops.csv')
            union select country, state from staging.stg_distribution_centers
        ),
        expected as (
            select distinct 'country' as type, country, null as state from named
            union all select 'distribution center', null, null from range(4)
            union all select 'shop', null, null from read_csv('{stock.sources}/geo/shops.csv')
            union all select 'state', country, state from named where state is not null
        )
        select type, count(*), count(*) from expected group by 1 order by 1
        """
    )
    # All of them are in it.
    assert stock.query(
        f"""
        select count(*) filter (latitude is null), count(*) < (select count(*) from '{places}')
        from {TABLES[1]} where location_type in ('state', 'country')
        """
    ) == [(0, True)]


@pytest.fixture
def corrected(
    stock: Deployment, tmp_path: Path, parsed_project: Path, monkeypatch: pytest.MonkeyPatch
) -> Deployment:
    """A deployment in which old rows were corrected on the last day, and that day was run again."""
    monkeypatch.setenv("RETAIL_HOME", str(tmp_path / "corrected"))
    copy = new_deployment(tmp_path / "corrected", parsed_project, **SETTINGS)
    shutil.copytree(stock.settings.home, copy.settings.home, dirs_exist_ok=True)
    with sqlite3.connect(copy.settings.home / "sources" / "inventory.sqlite") as connection:
        for statement in CORRECTIONS:
            assert connection.execute(statement, {"now": f"{LAST} 12:00:00"}).rowcount, statement
    copy.run(LAST, checks=False)
    return copy


def test_days_are_what_a_rebuild_makes_of_corrections(stock: Deployment, corrected: Deployment) -> None:
    before, incremental = ({table: each.rows(table) for table in TABLES} for each in (stock, corrected))
    assert before[TABLES[0]] != incremental[TABLES[0]]
    corrected.run(FIRST, LAST, full_refresh=True, checks=False)
    for table in TABLES:
        assert corrected.rows(table) == incremental[table], table
    assert corrected.query(f"select count(*) > 0 from {TABLES[0]} where quantity_on_hand is null") == [
        (True,)
    ]
