"""Sources whose data are damaged at random: no traceback, every row somewhere, other tables as ever.

Each case damages one table of the simulated retailer in many places. In databases these are cells: what a
corrupted export, a manual edit or another program's bug leaves behind. In files also bytes.
"""

import gzip
import random
import shutil
import sqlite3
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from retail_assets.catalog.contract import SourceTable, source_tables
from retail_assets.windows import Window
from retail_assets_tests.conftest import Deployment
from retail_assets_tests.faults import Area, fault
from retail_assets_tests.ingestion.test_ingest import Platform, platform

__all__ = ["platform"]

# A thousand in all.
TABLES, CELLS = 12, 60
FILES, BYTES = 14, 20
ALWAYS = Window(datetime(1990, 1, 1, tzinfo=UTC), datetime(2090, 1, 1, tzinfo=UTC))
DATABASES = ("erp", "crm", "inventory", "marketing")

VALUES: list[Any] = [
    None, "", "   ", "null", "NaN", "many", "{}", "[1, 2]", "true", "t", " 7 ", "007", "+7", "7.0", "0x1F",
    -1, 0, 2**63 - 1, 2**70 * 1.0, 1.5, 0.1 + 0.2, float("inf"), "1e999", "-1e-999", "9" * 41, "12 pieces",
    "12,5", "1.234.567,89", "2024-13-45", "0000-00-00", "2024-02-30 25:61:61", "31/12/2024", "20240102",
    "yesterday", "2024-01-02T03:04:05+99:00", b"\x00\xff\xfe", b"\xe4\xf6\xfc", "\x00", "\ud7ff\ufffe",
    "ein 'Hochkomma' und \"zwei\"", "a\nb\r\nc\td", "'; drop table x; --", "\u202e gnihtyna",
    "\U0001f600" * 50, "x" * 100_000,
]  # fmt: skip
"""What damaged cells hold."""


def _rows(database: sqlite3.Connection, name: str) -> int:
    return int(database.execute(f'select count(*) from "{name}"').fetchone()[0])


def damage_cells(path: Path, name: str, dice: random.Random) -> None:
    """Repeat a row of a table of SQLite, delete one, and damage cells."""
    with closing(sqlite3.connect(path)) as database, database:
        # Constraints would refuse what a damaged table has.
        database.execute(f'create table damaged as select * from "{name}"')
        database.execute(f'drop table "{name}"')
        database.execute(f'alter table damaged rename to "{name}"')
        columns = [row[1] for row in database.execute(f'pragma table_info("{name}")')]
        last = database.execute(f'select max(rowid) from "{name}"').fetchone()[0]
        repeated, gone = dice.randint(1, last), dice.randint(1, last)
        database.execute(f'insert into "{name}" select * from "{name}" where rowid = ?', [repeated])
        for _ in range(CELLS):
            value, column, row = dice.choice(VALUES), dice.choice(columns), dice.randint(1, last)
            database.execute(f'update "{name}" set "{column}" = ? where rowid = ?', (value, row))
        database.execute(f'delete from "{name}" where rowid = ?', [gone])


def _chosen(tables: list[SourceTable], dice: random.Random) -> tuple[SourceTable, list[SourceTable]]:
    """A table to be damaged, and it with another and what both are parts of."""
    hit = dice.choice(tables)
    other = dice.choice([each for each in tables if each != hit])
    parents = [each for each in tables if each.name in (hit.parent, other.parent)]
    return hit, list({each.name: each for each in [hit, other, *parents]}.values())


def _in_database(path: Path, table: SourceTable) -> int:
    with closing(sqlite3.connect(path)) as database:
        return _rows(database, table.source_table.split(".")[-1])


def _rows_of(path: Path) -> int:
    """The rows of a file that is as it should be."""
    relation = f"'{path}'" if path.suffix == ".parquet" else f"read_csv('{path}', all_varchar = true)"
    return int(duckdb.execute(f"select count(*) from {relation}").fetchall()[0][0])


def _hashes(warehouse: Platform | Deployment, table: SourceTable) -> set[Any]:
    """The rows of a raw table, of whatever version."""
    return {each for (each,) in warehouse.query(f"select _row_hash from {table.schema}.{table.name}")}


def _account(platform: Platform, table: SourceTable) -> Counter[str]:
    """Where the rows of a table are."""
    place = f"{table.schema}.{table.name}"
    ((alive,),) = platform.query(f"select count(distinct _row_hash) from {place} where _deleted_at is null")
    ((refused,),) = platform.query(
        f"select count(*) from {table.schema}._refused_rows"
        f" where table_name = '{table.name}' and _deleted_at is null"
    )
    return Counter(alive=alive, refused=refused)


@fault(
    Area.INGESTION,
    "Cells of a database's table are damaged at random, a row is repeated and one is gone",
    "Every row is loaded or refused with its reason, or the table is refused in a sentence; others load.",
    times=CELLS,
)
@pytest.mark.parametrize("case", range(TABLES))
def test_damaged_cells(case, platform, built, manifest):
    dice = random.Random(f"cells {case}")
    system = DATABASES[case % len(DATABASES)]
    tables = source_tables(manifest, system)
    with closing(sqlite3.connect(built.sources / f"{system}.sqlite")) as database:
        there = {name for (name,) in database.execute("select name from sqlite_master where type = 'table'")}
    hit, chosen = _chosen([each for each in tables if each.source_table.split(".")[-1] in there], dice)
    path = platform.settings.home / "sources" / f"{system}.sqlite"
    path.parent.mkdir(parents=True)
    shutil.copyfile(built.sources / f"{system}.sqlite", path)
    damage_cells(path, hit.source_table.split(".")[-1], dice)
    extraction = platform.ingest(ALWAYS, chosen)
    for table in chosen:
        rows, account = _in_database(path, table), _account(platform, table)
        if table is hit and table.name in extraction.errors:
            assert account["alive"] == 0
            assert "Traceback" not in extraction.errors[table.name]
            continue
        assert table.name not in extraction.errors, extraction.errors
        if table is not hit:
            assert account == Counter(alive=rows, refused=0), table.name
            continue
        assert account.total() == rows, (hit.name, account, extraction.repeated.get(hit.name))
        assert account["refused"] <= CELLS + 1
        # What nobody touched is what it was.
        assert len(_hashes(built, hit) & _hashes(platform, hit)) >= rows - CELLS - 1


def damage_bytes(path: Path, dice: random.Random) -> None:
    """Damage bytes and lines of a file, and now and then its compression."""
    content = bytearray(gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes())
    for _ in range(BYTES):
        place = dice.randrange(len(content) + 1)
        kind = dice.randrange(7)
        if kind == 0:
            content[place : place + 1] = bytes([dice.randrange(256)])
        elif kind == 1:
            del content[place : place + dice.randint(1, 3)]
        elif kind == 2:
            content[place:place] = dice.choice([b'"', b",", b"\n", b"\r\n", b"\x00", b"\xe4", b";", b"''"])
        else:
            lines = bytes(content).split(b"\n")
            line = dice.randrange(len(lines))
            if kind == 3:
                lines.insert(dice.randrange(len(lines) + 1), lines[line])
            elif kind == 4:
                lines[line] = lines[line][: dice.randrange(len(lines[line]) + 1)]
            elif kind == 5:
                lines[line] = b",".join(reversed(lines[line].split(b",")))
            else:
                lines[line] += dice.choice([b",", b",,,", b",more", b' "'])
            content = bytearray(b"\n".join(lines))
    damaged = bytes(content)
    if path.suffix == ".gz":
        damaged = gzip.compress(damaged, mtime=0)
        if dice.random() < 0.2:
            damaged = damaged[: dice.randrange(len(damaged))]
    path.write_bytes(damaged)


@fault(
    Area.INGESTION,
    "Bytes, quotes and lines of a file are damaged at random, or its compression is cut off",
    "A file that cannot be read is named; the rows of one that can are loaded or refused; others load.",
    times=BYTES,
)
@pytest.mark.parametrize("case", range(FILES))
def test_damaged_files(case, platform, built, manifest):
    dice = random.Random(f"files {case}")
    tables = [
        each
        for each in source_tables(manifest, "webshop")
        if (built.sources / "webshop" / each.name).is_dir()
    ]
    hit, chosen = _chosen(tables, dice)
    for table in chosen:
        shutil.copytree(built.sources / "webshop" / table.name, platform.shop / table.name)
    path = dice.choice(sorted((platform.shop / hit.name).iterdir()))
    rows = _rows_of(path)
    damage_bytes(path, dice)
    extraction = platform.ingest(ALWAYS, chosen)
    source = extraction.source
    told = [*source.problems(hit), *source.refused(hit), *source.unfinished(hit), *extraction.errors.values()]
    for table in chosen:
        if table is not hit:
            assert table.name not in extraction.errors
            assert _hashes(platform, table) == _hashes(built, table)
    # All other files are what they were, and of this one what nobody touched, or it says what became of it.
    before = _hashes(built, hit)
    lost = before - _hashes(platform, hit)
    named = [each for each in told if path.name in each]
    assert len(lost) <= (rows if named else BYTES), (lost, told)
    # A row is lost by its damage only: by a line end, say, that makes one of two.
    is_out = any("loaded" in each for each in named)
    account = _account(platform, hit)
    assert account.total() >= len(before) - (rows if is_out else BYTES), (account, told)
