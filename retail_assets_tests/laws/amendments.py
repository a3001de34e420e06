"""What nobody in the simulation does: people amend in a system's own screens what its rows describe."""

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import TypeAlias

Statements: TypeAlias = Mapping[str, tuple[str, ...]]

# By system: statements with the time of the change, {at}.
MASTERS: Statements = {
    "erp": (
        "update Product set ProductSubcategoryID = ProductSubcategoryID % 14 + 1, ModifiedDate = {at}"
        " where ProductID % 10 = 1",
    ),
    "crm": (
        # A second record of the same address, of somebody who has moved.
        "insert into consumers select consumer_id + 100000, consumer_name, consumer_email, phone_number,"
        " date_of_birth, gender, address, 'Perth', 'Western Australia', 'Australia', -31.9, 115.9, 0,"
        " 1 - marketing_opt_in, {at}, {at} from consumers where consumer_id % 20 = 0",
    ),
    "marketing": (
        "update campaigns set media_channel_id = media_channel_id % 6 + 1, modified_at = {at}"
        " where campaign_id % 3 = 0",
    ),
}
# Orders and touches that are deleted outright: no time of change tells it.
DELETED: Statements = {
    "erp": (
        "delete from SalesOrderDetail where SalesOrderID % 50 = 7",
        "delete from SalesOrderHeader where SalesOrderID % 50 = 7",
    ),
    "marketing": ("delete from campaign_touches where touch_id % 40 = 3",),
}
SECOND_THOUGHTS: Statements = {
    "erp": ("update CountryRegion set Name = 'Britain', ModifiedDate = {at} where CountryRegionCode = 'GB'",),
    "crm": ("update consumers set marketing_opt_in = 0, modified_at = {at} where consumer_id > 100000",),
    "marketing": ("update campaigns set media_channel_id = 2, modified_at = {at} where campaign_id % 6 = 0",),
}


def amend(sources: Path, amendments: Sequence[tuple[date, Statements]]) -> None:
    """Make changes to the sources as they stand, each at noon of its day. Each has to change something."""
    for day, systems in amendments:
        for system, statements in systems.items():
            with closing(sqlite3.connect(sources / f"{system}.sqlite")) as connection, connection:
                for statement in statements:
                    changed = connection.execute(statement.format(at=f"'{day} 12:00:00.000000'")).rowcount
                    assert changed > 0, statement
