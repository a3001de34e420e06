"""What wrote a home: the version of the package, and of each model the fingerprint of its table.

It is kept in the warehouse, so that it is true of its tables whatever is restored or copied where.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from retail_assets.resources.sql import text
from retail_assets.resources.warehouse import Execute

SCHEMA = "deployment"
_HOME, _MODELS = f"{SCHEMA}.home", f"{SCHEMA}.models"

UNFINISHED = ""
"""The fingerprint of a model whose table has to be rebuilt, and of a home with such models."""


@dataclass(frozen=True)
class Record:
    """What is known of a home. If a recorded model's table is there, it was built from its fingerprint."""

    version: str
    fingerprint: str
    """Of all that an upgrade would look at: while it stays the same there is nothing to do."""
    models: Mapping[str, str]
    """Fingerprints by schema and name, as in `staging.stg_customers`."""


def read_home(execute: Execute) -> tuple[str, str] | None:
    """Version and fingerprint alone; None if the home has no record."""
    found = execute(
        "select 1 from information_schema.tables"
        f" where lower(table_schema) = '{SCHEMA}' and lower(table_name) = 'home'"
    )
    rows = execute(f"select version, fingerprint from {_HOME}") if found else []
    return (rows[0][0], rows[0][1]) if rows else None


def read(execute: Execute) -> Record | None:
    """The record of a home; None if it has none."""
    home = read_home(execute)
    if not home:
        return None
    return Record(*home, models=dict(execute(f"select model, fingerprint from {_MODELS}")))


def create(execute: Execute) -> None:
    """Create the tables of the record. On Snowflake this commits what was begun."""
    execute(f"create schema if not exists {SCHEMA}")
    execute(f"create table if not exists {_HOME} (version varchar, fingerprint varchar)")
    execute(f"create table if not exists {_MODELS} (model varchar, fingerprint varchar)")


def write(execute: Execute, record: Record) -> None:
    """Put a record in the place of the one that was there. Within a transaction of the caller's."""
    execute(f"delete from {_HOME}")
    execute(f"insert into {_HOME} values ({text(record.version)}, {text(record.fingerprint)})")
    execute(f"delete from {_MODELS}")
    rows = ", ".join(f"({text(model)}, {text(value)})" for model, value in sorted(record.models.items()))
    if rows:
        execute(f"insert into {_MODELS} values {rows}")


def relations(execute: Execute) -> Mapping[str, str]:
    """All tables and views by schema and name: `table` or `view`."""
    rows = execute(
        "select lower(table_schema) as schema_name, lower(table_name) as name, lower(table_type) as kind"
        " from information_schema.tables"
    )
    return {f"{schema}.{name}": "view" if kind == "view" else "table" for schema, name, kind in rows}
