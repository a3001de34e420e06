"""A row that cannot become a row of raw is set aside by itself, and comes in when it is mended."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retail_assets.ingestion import refusals
from retail_assets_tests.faults import Area, fault
from retail_assets_tests.ingestion.tables import days, table
from retail_assets_tests.ingestion.test_ingest import Platform, platform

__all__ = ["platform"]

BILLS = table(
    "bills",
    {
        "bill_id": "bigint",
        "line": "bigint",
        "email": "varchar",
        "pieces": "bigint",
        "amount": "decimal(19,4)",
        "modified_at": "timestamp",
    },
    system="crm",
    kind="sql",
    schema="raw_crm",
    primary_key=("bill_id", "line"),
    modified=("modified_at",),
    amount="amount",
)
KINDS = replace(BILLS, name="kinds", source_table="kinds", load="snapshot")
OPEN = """
    select row_key, column_name, value, amount from raw_crm._refused_rows
    where _deleted_at is null
    order by all
"""


def bill(bill_id, line=1, email="a@example.org", pieces=1, amount=9.5, modified="2024-01-02 10:00:00"):
    return (bill_id, line, email, pieces, amount, modified)


def say(platform, *rows, name="bills"):
    """What the source says from now on."""
    path = platform.settings.home / "sources" / "crm.sqlite"
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(
            f"create table if not exists {name} (bill_id, line, email, pieces, amount, modified_at)"
        )
        database.execute(f"delete from {name}")
        database.executemany(f"insert into {name} values (?, ?, ?, ?, ?, ?)", rows)


def alive(platform, name="bills"):
    """The rows that staging would take."""
    return platform.query(f"""
        select bill_id, pieces from raw_crm.{name}
        where _deleted_at is null
        qualify row_number() over (partition by bill_id order by _modified_at desc, _loaded_at desc) = 1
        order by all
    """)


def test_rows_are_refused_one_by_one_with_key_value_and_amount(platform):
    say(
        platform,
        bill(1),
        bill(2, pieces="many"),
        bill(None),
        bill("x7", amount=3),
        bill(5, amount="dear"),
        bill(6, modified="2024-01-02 noon"),
    )
    extraction = platform.ingest(days(2), [BILLS])
    assert alive(platform) == [(1, 1)]
    assert platform.query(OPEN) == [
        ("bill_id=2, line=1", "pieces", "many", Decimal("9.5")),
        ("bill_id=5, line=1", "amount", "dear", None),
        ("bill_id=6, line=1", "modified_at", "2024-01-02 noon", Decimal("9.5")),
        ("bill_id=x7, line=1", "bill_id", "x7", Decimal(3)),
        (None, "bill_id", None, Decimal("9.5")),
    ]
    assert extraction.errors == {}
    told = {(some.column_name, some.rows) for some in extraction.refused}
    assert told == {("pieces", 1), ("amount", 1), ("modified_at", 1), ("bill_id", 1)}


def test_the_same_row_is_the_same_refusal_and_leaves_when_it_is_mended(platform):
    say(platform, bill(1), bill(2, pieces="many"))
    for _ in range(2):
        platform.ingest(days(2), [BILLS])
        assert len(platform.query("select * from raw_crm._refused_rows")) == 1
    say(platform, bill(1), bill(2, pieces=4))
    platform.ingest(days(2), [BILLS])
    assert platform.query(OPEN) == []
    assert alive(platform) == [(1, 1), (2, 4)]
    # And when it is wrong again, just as before.
    say(platform, bill(1), bill(2, pieces="many"))
    platform.ingest(days(2), [BILLS])
    assert len(platform.query(OPEN)) == len(platform.query("select * from raw_crm._refused_rows")) == 1
    assert alive(platform) == [(1, 1)]


@pytest.mark.parametrize("known", [BILLS, KINDS])
def test_a_refused_row_takes_the_place_of_its_older_version(platform, known):
    name = known.name
    say(platform, bill(1), bill(2), bill(3), name=name)
    platform.ingest(days(2), [known])
    changed = bill(2, pieces="none", modified="2024-01-03 10:00:00")
    say(platform, bill(1), changed, bill(3), name=name)
    platform.ingest(days(3), [known])
    assert alive(platform, name) == [(1, 1), (3, 1)]
    assert [row[0] for row in platform.query(OPEN)] == ["bill_id=2, line=1"]
    # It is what it was, to the last column.
    say(platform, bill(1), bill(2), bill(3), name=name)
    platform.ingest(days(2, 3), [known])
    assert alive(platform, name) == [(1, 1), (2, 1), (3, 1)]
    assert platform.query(OPEN) == []


def test_personal_data_is_not_kept(platform):
    wrong = replace(BILLS, primary_key=("bill_id", "email"), columns=BILLS.columns)
    say(platform, bill(2, email="secret@example.org", pieces="many"), bill(3, email=None))
    platform.ingest(days(2), [wrong])
    found = platform.query(OPEN)
    assert [row[1] for row in found] == ["pieces", "email"] or [row[1] for row in found] == [
        "email",
        "pieces",
    ]
    assert "secret" not in str(found)
    assert any(str(key).startswith("bill_id=2, email=") for key, *_ in found)


@fault(Area.INGESTION, "No row of a reference table can be read", "The table stays as it was.")
def test_a_reference_table_of_which_all_is_refused_stays(platform):
    say(platform, bill(1), bill(2), name="kinds")
    platform.ingest(days(2), [KINDS])
    say(platform, bill(1, pieces="x"), bill(2, pieces="y"), name="kinds")
    extraction = platform.ingest(days(3), [KINDS])
    assert "all 2 rows are refused" in extraction.errors["kinds"]
    assert alive(platform, "kinds") == [(1, 1), (2, 1)]


@fault(
    Area.INGESTION,
    "Very many rows of a table cannot be read",
    "The table stays as it was, and one sentence says why.",
)
def test_too_many_refusals_are_no_matter_of_rows(platform, monkeypatch):
    monkeypatch.setattr(refusals, "MOST_ROWS", 3)
    say(platform, bill(9), *(bill(number, pieces="x") for number in range(4)))
    extraction = platform.ingest(days(2), [BILLS])
    assert "more than 3 rows of bills cannot be read" in extraction.errors["bills"]
    assert alive(platform) == []


EXAMPLES = 25


@fault(
    Area.INGESTION,
    "A source that goes on changing, with rows that cannot be read",
    "Each row is staged or refused, never both.",
    times=EXAMPLES,
)
@settings(max_examples=EXAMPLES, deadline=None)
@given(
    st.lists(st.lists(st.tuples(st.integers(1, 4), st.sampled_from([1, 2, "wrong"])), max_size=4), max_size=4)
)
def test_whatever_the_source_says_each_row_is_in_one_place(tmp_path_factory, says):
    """Law 1 over a source that goes on changing: each of its keys is staged or refused, and not both."""
    platform = Platform(tmp_path_factory.mktemp("platform"))
    for state in says:
        rows = dict(state)
        say(platform, *(bill(key, pieces=pieces) for key, pieces in rows.items()), name="kinds")
        if any(pieces != "wrong" for pieces in rows.values()):
            platform.ingest(days(2), [KINDS])
            refused = [row[0] for row in platform.query(OPEN)]
            assert refused == [f"bill_id={key}, line=1" for key in sorted(rows) if rows[key] == "wrong"]
            staged = [(key, pieces) for key, pieces in sorted(rows.items()) if pieces != "wrong"]
            assert alive(platform, "kinds") == staged
