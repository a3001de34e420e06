"""A retailer lives on: evenings one by one are evenings at once, and what was there stays as it was."""

import json
import sqlite3
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from simulated_retailer import SYSTEMS, LivingRetailer, live, news_of, simulate
from simulated_retailer.webshop.schema import WEBSHOP

START = date(2024, 3, 2)
HISTORY = 30
LAST = START + timedelta(days=HISTORY - 1)


@pytest.fixture(scope="module")
def living() -> LivingRetailer:
    return live(consumers=60, days=HISTORY, seed=19, start=START)


def _rows(folder: Path) -> dict[tuple[str, str], set[tuple[Any, ...]]]:
    """All rows of all databases; the time of change is the last column."""
    found = {}
    for name, system in SYSTEMS.items():
        if system is WEBSHOP:
            continue
        with closing(sqlite3.connect(folder / f"{name}.sqlite")) as database:
            for table in system.tables:
                names = ", ".join(f'"{column}"' for column in system.tables[table].names)
                found[name, table] = set(database.execute(f'select {names} from "{table}"'))
    return found


def _files(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Content and time of each file of the web shop."""
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*.*"))
        if path.suffix != ".sqlite"
    }


def test_evenings_one_by_one_are_an_evening_at_once(living, tmp_path):
    days = [LAST + timedelta(days=number) for number in range(5)]
    assert living.late_on(days[-1]) is None
    once = tmp_path / "once"
    live(consumers=60, days=HISTORY, seed=19, start=START).write_evening(once, days[-1])
    for day in days:
        living.write_evening(tmp_path / "by day", day)
    assert _rows(tmp_path / "by day") == _rows(once)
    moved, at_once = _files(tmp_path / "by day"), _files(once)
    assert {name: content for name, (content, _) in moved.items()} == {
        name: content for name, (content, _) in at_once.items()
    }


def test_a_day_more_leaves_what_was_there(living, tmp_path):
    after = LAST + timedelta(days=1)
    living.write_evening(tmp_path, LAST)
    rows, files = _rows(tmp_path), _files(tmp_path)
    living.write_evening(tmp_path, after)
    for table, new in _rows(tmp_path).items():
        changed = {row[-1][:10] for row in new - rows[table]}
        assert changed <= {f"{after}"}, table
    now = _files(tmp_path)
    assert {name: now[name] for name in files} == files
    assert f"webshop/events/{after}.parquet" in now.keys() - files.keys()


def test_the_history_is_whole(living):
    """No file of its last days is late, cut or missing, as one is in the same days of a plain simulation."""
    life: dict[str, Any] = {"consumers": 10, "seed": 6, "start": START}
    last_days = {*range(HISTORY - 5, HISTORY)}
    plain, lived = simulate(days=120, **life), live(days=HISTORY, **life)
    assert last_days & {*plain.truth["drops"]["day"].to_pylist()}
    assert not last_days & {*lived.retailer.truth["drops"]["day"].to_pylist()}
    assert lived.late_on(LAST) is None


def test_a_system_is_late_by_one_night(living, tmp_path):
    days = [LAST + timedelta(days=number) for number in range(1, 90)]
    late = {day: name for day in days if (name := living.late_on(day))}
    assert late
    assert not [day for day in late if day + timedelta(days=1) in late]
    day, name = next((day, name) for day, name in late.items() if name != "erp")
    written = []
    for each in (day - timedelta(days=1), day, day + timedelta(days=1)):
        living.write_evening(tmp_path, each)
        written.append({table: rows for table, rows in _rows(tmp_path).items() if table[0] == name})
    assert written[0] == written[1] != written[2]


def test_a_slip_is_mended_with_a_time_of_change(living, tmp_path):
    slip = living.retailer.truth["slips"].to_pylist()[0]
    key = json.loads(slip["key"])["SalesOrderDetailID"]
    day, seen = slip["since"].date(), []
    while day <= slip["mended"].date():
        living.write_evening(tmp_path, day)
        with closing(sqlite3.connect(tmp_path / "erp.sqlite")) as erp:
            query = 'select "OrderQty", "ModifiedDate" from "SalesOrderDetail" where "SalesOrderDetailID" = ?'
            seen += erp.execute(query, [key]).fetchall()
        day += timedelta(days=1)
    assert [pieces > 0 for pieces, _ in seen] == [*[False] * (len(seen) - 1), True]
    assert [moment[:19] for _, moment in (seen[0], seen[-1])] == [
        f"{slip[name]:%Y-%m-%d %H:%M:%S}" for name in ("since", "mended")
    ]


def test_the_news_are_what_the_sources_show(living, tmp_path):
    """New orders, and what changed of older ones, counted from the evenings before and after."""
    first, last = LAST + timedelta(days=1), LAST + timedelta(days=30)
    news = news_of(living, first, last)
    living.write_evening(tmp_path / "before", LAST)
    living.write_evening(tmp_path / "after", last)
    before, after = (_rows(tmp_path / name) for name in ("before", "after"))

    def keys(rows, table, column=0):
        return {row[column] for row in rows["erp", table]}

    assert news.late is None
    new = keys(after, "SalesOrderHeader") - keys(before, "SalesOrderHeader")
    assert news.orders["erp"] == len(new) > 0
    lines = {row[1]: row for row in before["erp", "SalesOrderDetail"]}
    now = {row[1]: row for row in after["erp", "SalesOrderDetail"]}
    assert news.late_changes == sum(now.get(key) != row for key, row in lines.items())
    offers = {row[0]: row[5][:10] for row in after["erp", "SpecialOffer"]}
    assert sum(f"{first}" <= begun <= f"{last}" for begun in offers.values()) > 0
    assert len(news.offers) >= sum(f"{first}" <= begun <= f"{last}" for begun in offers.values())
    wrong = {json.loads(row.key)["SalesOrderDetailID"] for row in news.wrong if row.table.endswith("Detail")}
    assert {key for key, row in now.items() if row[2] == 0 and key not in lines} <= wrong
    assert {row.key for row in news.mended} <= {row.key for row in news.wrong}
