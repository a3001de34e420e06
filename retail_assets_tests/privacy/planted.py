"""Two people in raw: one asks to be forgotten, one is erased by the CRM."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import md5
from typing import Any

from retail_assets.catalog.contract import SourceTable
from retail_assets.ingestion.raw_tables import create_raw_tables
from retail_assets.privacy import erasure
from retail_assets.privacy.forgotten import Forgotten
from retail_assets.privacy.personal import personal_tables
from retail_assets.resources.sql import literal
from retail_assets.resources.warehouse import Execute

DAY = datetime(2024, 5, 2, tzinfo=UTC)
NEXT = datetime(2024, 5, 3, tzinfo=UTC)
LOADED = "2024-05-01 20:00:00"
KNOWN = Forgotten(pepper=b"a pepper")


def key_of(email: str) -> str:
    """The consumer's key, as macros/keys.sql makes it."""
    return md5(f"email:{email}".encode()).hexdigest()


ROWS: Mapping[str, Sequence[Mapping[str, Any]]] = {
    "crm.consumers": [
        # Two versions of one record, and a person who has nothing to do with it.
        {"consumer_id": 1, "consumer_name": "Ann", "consumer_email": "Ann@Mail.example ", "_row_hash": 11},
        {"consumer_id": 1, "consumer_name": "Ann", "consumer_email": "ann@new.example", "_row_hash": 12},
        {"consumer_id": 2, "consumer_name": "Bob", "consumer_email": "bob@mail.example", "_row_hash": 13},
        {"consumer_id": 3, "consumer_name": "Cem", "consumer_email": "cem@mail.example", "_row_hash": 14},
    ],
    "crm.interactions": [
        {"interaction_id": 1, "consumer_id": 1, "comments": "call Ann", "_row_hash": 21},
        {"interaction_id": 2, "consumer_id": 2, "comments": "call Bob", "_row_hash": 22},
        {"interaction_id": 3, "consumer_id": 3, "comments": "call Cem", "_row_hash": 23},
    ],
    "marketing.campaign_touches": [
        {"touch_id": 1, "campaign_id": 7, "consumer_email": "ANN@new.example", "_row_hash": 31},
        {"touch_id": 2, "campaign_id": 7, "consumer_email": "cem@mail.example", "_row_hash": 32},
    ],
    "marketing.audience_members": [
        {"audience_segment_id": 1, "consumer_email": "ann@mail.example", "_row_hash": 41},
        {"audience_segment_id": 1, "consumer_email": "cem@mail.example", "_row_hash": 42},
    ],
}


def tables_of(manifest: Mapping[str, Any]) -> Sequence[SourceTable]:
    """The tables in which they are."""
    return [table for table in personal_tables(manifest) if table.full_name in ROWS]


def plant(manifest: Mapping[str, Any], execute: Execute) -> None:
    """Create raw and a table of past weeks, with these rows."""
    tables = tables_of(manifest)
    for system in {table.system: None for table in tables}:
        create_raw_tables([table for table in tables if table.system == system], execute)
    for table in tables:
        for row in ROWS[table.full_name]:
            given = {**row, "_changed_at": LOADED, "_loaded_at": LOADED}
            types = {field.name: field.type for field in table.raw_schema}
            values = ", ".join(
                f"timestamp '{value}'" if str(types[name]).startswith("timestamp") else literal(value)
                for name, value in given.items()
            )
            execute(f"insert into {table.schema}.{table.name} ({', '.join(given)}) select {values}")
    execute("create schema if not exists mart_planted")
    execute("create table mart_planted.weeks (week_start date, consumer_key varchar)")
    for email in ("ann@mail.example", "ann@new.example", "bob@mail.example", "cem@mail.example"):
        execute(f"insert into mart_planted.weeks select date '2024-04-29', '{key_of(email)}'")


def forget_ann(manifest: Mapping[str, Any], execute: Execute) -> erasure.Person:
    """Ann asks by the address that she had before."""
    tables = tables_of(manifest)
    person = erasure.find(tables, {"email": ["ann@mail.example"]}, execute)
    erasure.create(execute)
    for _ in range(2):
        erasure.mark(tables, person, KNOWN, DAY, execute)
    return person


def erase_bob(execute: Execute) -> None:
    """As a reading of the CRM that lacks him."""
    execute("update raw_crm.consumers set _deleted_at = timestamp '2024-05-02' where consumer_id = 2")


def purge(manifest: Mapping[str, Any], execute: Execute) -> Mapping[str, int]:
    """As a run does at its end."""
    return erasure.purge(tables_of(manifest), NEXT, "a run", execute)


def rows(manifest: Mapping[str, Any], execute: Execute) -> Mapping[str, list[str]]:
    """All rows, as text: engines differ in the types of what they return."""
    names = [*(f"{table.schema}.{table.name}" for table in tables_of(manifest)), "mart_planted.weeks"]
    return {name: sorted(map(str, execute(f"select * from {name}"))) for name in names}
