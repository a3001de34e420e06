"""The web shop's files: what stands in the folder on which evening."""

from __future__ import annotations

import gzip
import zlib
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import pytest

from retail_assets_tests.simulated_retailer.conftest import Ask
from simulated_retailer import Retailer, write_sources

TROUBLES = ("late", "missing", "partly written", "repeated")
STAMPS = {
    "users": "created_at",
    "orders": "greatest(created_at, shipped_at, delivered_at, returned_at)",
    "order_items": "greatest(created_at, shipped_at, delivered_at, returned_at)",
    "payments": "paid_at",
    "inventory_items": "greatest(created_at, sold_at)",
    "events": "created_at",
}
"""A row's last change, by its own time stamps; greatest() leaves nulls out."""


def _evening(small_retailer: Retailer, day: int) -> datetime:
    return datetime.combine(small_retailer.start + timedelta(days=day + 1), time(), UTC)


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def evenings(small_retailer: Retailer, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, bytes]]:
    """The folder's files on every evening, written day after day."""
    folder = tmp_path_factory.mktemp("day by day")
    found = []
    for day in range(small_retailer.days):
        write_sources(small_retailer, folder, _evening(small_retailer, day), ["webshop"])
        found.append(_files(folder / "webshop"))
    return found


@pytest.fixture(scope="module")
def whole(small_retailer: Retailer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder at the end, written at once."""
    folder = tmp_path_factory.mktemp("at once")
    write_sources(small_retailer, folder, systems=["webshop"])
    return folder / "webshop"


def _troubles(ask: Ask, trouble: str) -> list[tuple[str, str, int, int]]:
    rows = ask(f"""select "table", path, day, days_late from truth.drops where trouble = '{trouble}'""")
    assert rows
    return rows


def _rows(path: Path) -> list[tuple[Any, ...]]:
    return duckdb.execute(f"from '{path}'").fetchall()


def _reader(path: Path) -> str:
    if path.suffix == ".parquet":
        return f"read_parquet('{path}')"
    head = gzip.decompress(path.read_bytes()).decode().split("\n")[0].replace('"', "").split(",")
    moments = ", ".join(f"{name}: 'timestamptz'" for name in head if name.endswith("_at"))
    return f"read_csv('{path}', header = true, types = {{{moments}}})"


def test_day_by_day_is_all_at_once(evenings: list[dict[str, bytes]], whole: Path) -> None:
    assert evenings[-1] == _files(whole)


def test_before_the_first_evening_the_folders_are_empty(small_retailer: Retailer, tmp_path: Path) -> None:
    write_sources(small_retailer, tmp_path, _evening(small_retailer, 0) - timedelta(hours=1), ["webshop"])
    assert _files(tmp_path) == {}
    assert {path.name for path in (tmp_path / "webshop").iterdir()} == set(small_retailer.versions["webshop"])


def test_nothing_is_left_behind(evenings: list[dict[str, bytes]]) -> None:
    assert not [name for name in evenings[-1] if name.split("/")[1].startswith(".")]


def test_a_drop_once_written_is_not_changed(evenings: list[dict[str, bytes]], ask: Ask) -> None:
    cut = {path for _, path, *_ in _troubles(ask, "partly written")}
    for before, after in pairwise(evenings):
        assert before.keys() <= after.keys()
        assert {name for name in before if before[name] != after[name]} <= cut


def test_a_drop_comes_on_its_evening_but_for_the_late_ones(
    evenings: list[dict[str, bytes]], ask: Ask, small_retailer: Retailer
) -> None:
    late = {path: days for _, path, _, days in _troubles(ask, "late")}
    for name in evenings[-1]:
        day = (date.fromisoformat(name.split("/")[1][:10]) - small_retailer.start).days
        first = next(evening for evening, files in enumerate(evenings) if name in files)
        assert first == day + late.get(name, 0), name
    assert all(1 <= days <= 3 for days in late.values())


def test_trouble_is_rare_and_of_every_kind(evenings: list[dict[str, bytes]], ask: Ask) -> None:
    kinds = ask('select trouble, count(*), count(distinct "table") from truth.drops group by all order by 1')
    assert tuple(kind for kind, *_ in kinds) == TROUBLES
    assert sum(count for _, count, _ in kinds) < 0.05 * len(evenings[-1])


def test_a_missing_drop_never_comes(evenings: list[dict[str, bytes]], ask: Ask) -> None:
    for table, path, *_ in _troubles(ask, "missing"):
        assert table == "events"
        assert path not in evenings[-1]


def test_a_partly_written_drop_is_whole_the_next_evening(
    evenings: list[dict[str, bytes]], ask: Ask, small_retailer: Retailer
) -> None:
    for _, path, day, _ in _troubles(ask, "partly written"):
        with pytest.raises((EOFError, zlib.error)):
            gzip.decompress(evenings[day][path])
        assert gzip.decompress(evenings[day + 1][path]).startswith(gzip.decompress(evenings[-1][path])[:20])
        assert evenings[day + 1][path] == evenings[-1][path]


def test_a_repeated_drop_comes_again_with_the_next(whole: Path, ask: Ask) -> None:
    for _, path, *_ in _troubles(ask, "repeated"):
        table, name = path.split("/")
        following = (date.fromisoformat(name[:10]) + timedelta(days=1)).isoformat() + name[10:]
        first, second = _rows(whole / path), _rows(whole / table / following)
        assert set(first) <= set(second)
        assert len(second) > len(first)


def test_formats(whole: Path) -> None:
    found = {
        str(folder.name): {"".join(path.suffixes) for path in folder.iterdir()} for folder in whole.iterdir()
    }
    packed = {"users", "orders", "payments", "order_items", "inventory_items"}
    assert found == {
        **{table: {".csv.gz"} for table in packed},
        "products": {".csv"},
        "distribution_centers": {".csv"},
        "events": {".parquet"},
    }
    [first, *_] = sorted((whole / "orders").iterdir())
    head, row, *_ = gzip.decompress(first.read_bytes()).decode().split("\n")
    assert head == (
        '"order_id","user_id","status","gender","created_at","returned_at","shipped_at","delivered_at",'
        '"num_of_item"'
    )
    assert row.split(",")[4].endswith(' UTC"')


@pytest.mark.parametrize("table", STAMPS)
def test_drops_hold_the_rows_that_changed_on_their_day(
    small_retailer: Retailer, whole: Path, ask: Ask, table: str
) -> None:
    """In the state of that evening; the first one also has what is older."""
    missing = [path for name, path, *_ in _troubles(ask, "missing") if name == table]
    again = {
        date.fromisoformat(path.split("/")[1][:10]) + timedelta(days=1)
        for name, path, *_ in _troubles(ask, "repeated")
        if name == table
    }
    key = {"orders": "order_id", "payments": "payment_id"}.get(table, "id")
    columns = f"{key}, {STAMPS[table]}::timestamp"
    first_day = small_retailer.start
    expected = set(
        ask(
            f"""
            select greatest(_since::date, date '{first_day}') as day, {columns} from webshop.all_{table}
            where _until is null or _until::date > greatest(_since::date, date '{first_day}')
            """
        )
    )
    expected = {row for row in expected if f"{table}/{row[0]}.parquet" not in missing}
    found = set()
    for path in (whole / table).iterdir():
        day = date.fromisoformat(path.name[:10])
        rows = duckdb.execute(f"set timezone = 'UTC'; select {columns} from {_reader(path)}").fetchall()
        if day not in again:
            assert len(rows) == len(set(rows))
            assert {row for row in rows if row[1].date() != day} == set() or day == small_retailer.start
        found |= {(row[1].date() if day in again and row[1].date() < day else day, *row) for row in rows}
    assert found == expected
