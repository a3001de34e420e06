"""Whether as many rows arrived as on the same weekdays before."""

import random
from datetime import UTC, date, datetime, timedelta

import dagster as dg
import duckdb
import pytest

from retail_assets.catalog.contract import source_tables
from retail_assets.ingestion.reconciliation import days_of_window
from retail_assets.quality.volume import CHECK_NAME, arrivals, unusual, volume_results
from retail_assets.settings import SYSTEMS
from retail_assets.windows import Window
from retail_assets_tests.conftest import NEW_DAYS
from retail_assets_tests.faults import Area, fault

DAY = date(2024, 5, 31)
NAME = "erp.sales_order_header"


def _counts(rows, weeks=8, last=None):
    """So many rows each day before, and `last` on the day; zero is no entry, as in a query."""
    days = [DAY - timedelta(days=number) for number in range(1, 7 * weeks + 1)]
    counts = {day: count for day in days if (count := rows(day) if callable(rows) else rows)}
    return {**counts, **({DAY: last} if last else {})}


def _odd(counts, days=1):
    return list(unusual(NAME, counts, [DAY - timedelta(days=each) for each in reversed(range(days))]))


@pytest.mark.parametrize(
    ("counts", "seen"),
    [
        (_counts(100, last=100), []),
        (_counts(100), [0]),
        (_counts(100, last=40), [40]),
        (_counts(100, last=60), []),
        (_counts(100, last=450), []),
        (_counts(100, last=600), [600]),
        (_counts(9), [0]),
        (_counts(20, last=12), []),
        # A young shop, of three weeks.
        (_counts(100, weeks=3), []),
        # Sparse, and nothing at all.
        (_counts(lambda day: day.day % 10 == 0), []),
        ({}, []),
        # Closed on Fridays.
        (_counts(lambda day: 0 if day.weekday() == DAY.weekday() else 100), []),
        # Weekdays that differ much by themselves.
        (_counts(lambda day: 10 if day.isocalendar().week % 2 else 190, last=10), []),
    ],
)
def test_a_day_is_compared_with_its_weekday(counts, seen):
    assert [each.seen for each in _odd(counts)] == seen


def test_what_comes_by_the_month_is_expected():
    """Of one month only the second time it is known; many times more than then are odd still."""
    first = {date(2024, 4, 30): 900}
    assert [each.seen for each in _odd({**_counts(100, last=1000)})] == [1000]
    assert not _odd({**_counts(100, last=1000), **first})
    assert [each.seen for each in _odd({**_counts(100, last=9000), **first})] == [9000]
    # A month in which it stays out is judged by its weekdays.
    assert not _odd({**_counts(100, last=100), **first})


def test_one_odd_day_is_not_expected_again():
    counts = _counts(100, last=100)
    counts[DAY - timedelta(weeks=1)] = 5000
    assert _odd(counts) == []


def test_few_rows_are_missed_when_days_without_any_add_up():
    stopped = {day: count for day, count in _counts(3).items() if day < DAY - timedelta(days=2)}
    (odd,) = _odd(stopped)
    assert (odd.seen, odd.expected, odd.since) == (0, 9, DAY - timedelta(days=2))
    assert odd.told == (
        "erp.sales_order_header: not one row from 2024-05-29 to 2024-05-31; about 9 were expected"
        " (the median of the same weekdays before)."
    )
    del stopped[DAY - timedelta(days=3)]
    assert [each.day for each in _odd(stopped, days=3)] == [DAY - timedelta(days=1), DAY]


def test_chance_alone_is_not_told():
    """Counts of a year that are spread as chance spreads them, around many and few a day."""
    chance = random.Random(5)
    days = [DAY - timedelta(days=number) for number in reversed(range(365))]
    for rate in (0.3, 2, 8, 40):
        counts = {day: sum(chance.random() < rate / 200 for _ in range(200)) for day in days}
        told = list(unusual(NAME, {day: count for day, count in counts.items() if count}, days[70:]))
        assert len(told) <= 1, (rate, told)


def test_a_window_has_its_days():
    start = datetime(2024, 3, 30, 23, tzinfo=UTC)
    hours = [Window(start, start + timedelta(hours=each)) for each in (22, 23, 47)]
    found = [days_of_window(each, "Europe/Berlin") for each in hours]
    # The clock goes forward.
    assert found == [[], [date(2024, 3, 31)], [date(2024, 3, 31), date(2024, 4, 1)]]


@pytest.fixture(scope="module")
def raw(built, tmp_path_factory):
    """A copy of raw's databases."""
    with duckdb.connect() as connection:
        connection.execute(f"attach '{built.settings.duckdb_path}' as built (read_only)")
        for system in SYSTEMS:
            connection.execute(f"create schema raw_{system}")
            for table in [*(each.name for each in source_tables(built.manifest, system)), "_refused_rows"]:
                connection.execute(
                    f"create table raw_{system}.{table} as select * from built.raw_{system}.{table}"
                )
        yield connection


def _results(built, raw, system, day):
    tables = source_tables(built.manifest, system)
    keys = {each.name: dg.AssetKey([f"raw_{system}", each.name]) for each in tables}
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    window = Window(start, start + timedelta(days=1))
    selected = {dg.AssetCheckKey(key, CHECK_NAME) for key in keys.values()}

    def execute(statement):
        return raw.execute(statement).fetchall()

    assert list(volume_results(set(), tables, keys, window, "UTC", execute)) == []
    return list(volume_results(selected, tables, keys, window, "UTC", execute))


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_source_that_goes_on_is_as_usual(built, raw, system):
    results = _results(built, raw, system, NEW_DAYS[-1])
    assert len(results) == len(source_tables(built.manifest, system))
    assert [each.description for each in results if not each.passed] == []


@fault(Area.INGESTION, "A source sends nothing any more", "The next day's check says how much was expected.")
@pytest.mark.parametrize("system", ["erp", "webshop", "inventory"])
def test_the_day_after_a_source_ended_is_told(built, raw, system):
    found = {
        each.asset_key.path[-1]: each
        for each in _results(built, raw, system, NEW_DAYS[-1] + timedelta(days=1))
    }
    largest = {"erp": "sales_order_detail", "webshop": "events", "inventory": "stock_levels"}[system]
    assert not found[largest].passed
    assert found[largest].severity is dg.AssetCheckSeverity.WARN
    assert f"{system}.{largest}: not one row on 2024-04-10; about " in found[largest].description
    # Tables of which a row rarely comes are not.
    assert sum(each.passed for each in found.values()) >= 1


def test_rows_that_were_refused_have_arrived(built, raw):
    tables = [each for each in source_tables(built.manifest, "erp") if each.name == "customer"]

    def counted():
        return arrivals(tables, [NEW_DAYS[-1]], "UTC", lambda sql: raw.execute(sql).fetchall())

    before = counted()["customer"].get(NEW_DAYS[-1], 0)
    raw.execute(
        "insert into raw_erp._refused_rows (table_name, _row_hash, _changed_at)"
        f" values ('customer', 1, timestamp '{NEW_DAYS[-1]} 23:59:59')"
    )
    assert counted()["customer"][NEW_DAYS[-1]] == before + 1
