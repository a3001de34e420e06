"""A real MariaDB through SQLAlchemy: its instants, its zero dates, its flags."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from retail_assets.ingestion.extraction import Extraction
from retail_assets.ingestion.mapping import SystemMapping
from retail_assets.ingestion.sql_source import SqlSource
from retail_assets_tests.ingestion import mariadb
from retail_assets_tests.ingestion.tables import at, days, table

PARCELS = table(
    "parcels",
    {
        "parcel_id": "bigint",
        "packed_at": "timestamp",
        "is_heavy": "boolean",
        "state": "varchar",
        "changed_at": "timestamp",
    },
    kind="sql",
    modified=("changed_at",),
)


@pytest.fixture(scope="module")
def url():
    with mariadb.server() as url:
        yield url


@pytest.fixture
def execute(url):
    """Runs statements in an empty database."""
    engine = sa.create_engine(url)

    def run(*statements):
        with engine.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)

    run("drop table if exists parcels")
    yield run
    engine.dispose()


def _read(url, window, zone="UTC", said=None):
    source = SqlSource("erp", url, zone=zone)
    source.mapping = said or source.mapping
    wanted = replace(PARCELS, timezone=source.mapping.timezone)
    extraction = Extraction(source, window, datetime(2024, 5, 1, tzinfo=UTC))
    extraction.locate([wanted])
    extraction.open(wanted)
    assert extraction.errors == {}
    rows = [row for batch in extraction.read(wanted) for row in batch.to_pylist()]
    return extraction, sorted(rows, key=lambda row: row["parcel_id"])


@pytest.mark.parametrize(
    ("zone", "said"),
    [("UTC", None), ("America/Lima", SystemMapping(timezone="UTC"))],
    ids=["setting", "mapping"],
)
def test_an_instant_is_one_whatever_the_zone_of_the_server(url, execute, zone, said):
    """`timestamp` is an instant, and `datetime` is in the zone that the source is said to have."""
    execute(
        "create table parcels (parcel_id int, packed_at datetime, is_heavy bool, state text,"
        " changed_at timestamp)",
        "set session time_zone = '+00:00'",
        "insert into parcels values (1, '2024-01-02 08:00:00', 1, 'x', '2024-01-02 23:59:00'),"
        " (2, '2024-01-02 09:00:00', 0, 'x', '2024-01-03 00:00:00')",
        "set session time_zone = default",
    )
    _, rows = _read(url, days(2), zone, said)
    assert [(row["parcel_id"], row["packed_at"], row["changed_at"]) for row in rows] == [
        (1, at(2, 8), at(2, 23, 59))
    ]
    _, rows = _read(url, days(3), zone, said)
    assert [(row["parcel_id"], row["changed_at"]) for row in rows] == [(2, at(3))]


def test_zero_dates_flags_and_numbers_for_words(url, execute):
    execute(
        "create table parcels (parcel_id bigint unsigned, packed_at date, is_heavy tinyint(1), state double,"
        " changed_at datetime)",
        "insert into parcels values (1, '0000-00-00', -1, 3, '2024-01-02 10:00:00'),"
        " (2, '2024-01-02', 2, 4.5, '2024-01-02 10:00:00'), (3, null, 0, null, '0000-00-00 00:00:00'),"
        " (18446744073709551615, null, 1, 1, '2024-01-02 10:00:00')",
    )
    extraction, rows = _read(url, days(2))
    assert [(row["parcel_id"], row["packed_at"], row["is_heavy"], row["state"]) for row in rows] == [
        (1, None, True, "3"),
        (3, None, False, None),
    ]
    refused = extraction.refusals.of(PARCELS)
    assert sorted((each.column_name, each.value) for each in refused) == [
        ("is_heavy", "2"),
        ("parcel_id", "18446744073709551615"),
    ]
