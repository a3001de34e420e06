"""What an administrator runs in Snowflake: before the first run, after it, and to take all of it away.

It is printed and never run here: the product's own role may do none of it.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from retail_assets.errors import UserError
from retail_assets.settings import Settings

Part = Literal["setup", "masking", "tear-down"]

# Schema of what governs the others: the tag of personal data, and what hides it.
GOVERNANCE = "governance"
# Credits that all warehouses together may use in a month before they are suspended.
CREDITS = 100
# A tag has one policy for each type of columns that carry it.
_MASKED = {
    "text": "varchar",
    "number": "number",
    "float": "float",
    "date": "date",
    "time": "timestamp_ntz",
    "flag": "boolean",
}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*")


class SnowflakeSetupError(UserError):
    """A name that cannot stand in the statements; the message says which setting to change."""


def script(settings: Settings, manifest: Mapping[str, Any], part: Part) -> str:
    """The statements of a part, each ended with a semicolon, with a comment above those that need one.

    Roles and warehouses are named after the database (`RETAIL_SNOWFLAKE_DATABASE`). Raises
    `SnowflakeSetupError` if that, or the user's name, is no plain name.
    """
    for name in ("snowflake_database", "snowflake_user"):
        value = getattr(settings, name)
        if value and not _NAME.fullmatch(value):
            raise SnowflakeSetupError(
                f"RETAIL_{name.upper()} is '{value}'. A name here begins with a letter and has letters,"
                " digits and underscores only."
            )
    setup = _Setup(settings.snowflake_database.upper(), settings.snowflake_user, manifest)
    statements = {"setup": setup.setup, "masking": setup.masking, "tear-down": setup.tear_down}[part]()
    return "\n".join(line if line.startswith("--") or not line else f"{line};" for line in statements) + "\n"


class _Setup:
    def __init__(self, database: str, user: str, manifest: Mapping[str, Any]):
        self._database = database
        self._user = user
        self._manifest = manifest
        self._loader, self._transformer, self._reader = (
            f"{database}_{role}" for role in ("LOADER", "TRANSFORMER", "READER")
        )
        self._warehouses = {
            self._loader: f"{database}_LOADING",
            self._transformer: f"{database}_TRANSFORMING",
            self._reader: f"{database}_READING",
        }
        self._monitor = f"{database}_MONITOR"

    def setup(self) -> Iterator[str]:
        database = self._database
        yield "-- Once, before the first run. A resource monitor needs accountadmin."
        yield "use role accountadmin"
        yield f"create database if not exists {database}"
        for role in self._warehouses:
            yield f"create role if not exists {role}"
        yield "-- Runs have the transformer's role, and may do what the loader may."
        yield f"grant role {self._loader} to role {self._transformer}"
        yield f"grant role {self._transformer} to role sysadmin"
        yield f"grant role {self._reader} to role sysadmin"
        if self._user:
            yield f"grant role {self._transformer} to user {self._user}"
        yield ""
        yield (
            f"create resource monitor if not exists {self._monitor} with credit_quota = {CREDITS}"
            " frequency = monthly start_timestamp = immediately"
            " triggers on 80 percent do notify on 100 percent do suspend on 110 percent do suspend_immediate"
        )
        for role, warehouse in self._warehouses.items():
            yield (
                f"create warehouse if not exists {warehouse} with warehouse_size = 'XSMALL'"
                " auto_suspend = 60 auto_resume = true initially_suspended = true"
            )
            yield f"alter warehouse {warehouse} set resource_monitor = {self._monitor}"
            yield f"grant usage on warehouse {warehouse} to role {role}"
        yield ""
        yield f"grant usage on database {database} to role {self._reader}"
        for role in (self._loader, self._transformer):
            yield f"grant usage, create schema on database {database} to role {role}"
        yield "-- Whoever creates a schema owns it: raw is the loader's, all else the transformer's."
        raw, marts = self._schemas("raw_"), self._schemas("mart_")
        yield f"use role {self._loader}"
        for schema in raw:
            yield f"create schema if not exists {database}.{schema}"
        yield f"use role {self._transformer}"
        for schema in marts:
            yield f"create schema if not exists {database}.{schema}"
        yield "use role accountadmin"
        for schema in raw:
            writes = "select, insert, update, delete, truncate"
            yield f"grant {writes} on future tables in schema {database}.{schema} to role {self._loader}"
        yield "-- Readers see the marts, and nothing else."
        for schema in marts:
            yield f"grant usage on schema {database}.{schema} to role {self._reader}"
            for those in ("all tables", "future tables", "all views", "future views"):
                yield f"grant select on {those} in schema {database}.{schema} to role {self._reader}"
        yield ""
        yield "-- Personal data is hidden from all but these two roles; `--part masking` has the columns."
        yield f"create schema if not exists {database}.{GOVERNANCE}"
        yield f"create tag if not exists {self._tag}"
        sees = " or ".join(f"is_role_in_session('{role}')" for role in (self._transformer, self._loader))
        for name, type_ in _MASKED.items():
            yield (
                f"create masking policy if not exists {self._policy(name)}"
                f" as (val {type_}) returns {type_} -> case when {sees} then val else null end"
            )
            yield f"alter tag {self._tag} set masking policy {self._policy(name)} force"

    def masking(self) -> Iterator[str]:
        yield "-- After the first run, and whenever tables were rebuilt: a tag goes with its column."
        yield "use role accountadmin"
        for relation, columns in personal_columns(self._manifest).items():
            for column in columns:
                yield (
                    f"alter table if exists {self._database}.{relation} modify column {column}"
                    f" set tag {self._tag} = 'true'"
                )

    def tear_down(self) -> Iterator[str]:
        yield f"-- All that the setup made, and all that runs made: {self._database} with every row in it."
        yield "use role accountadmin"
        yield f"drop database if exists {self._database}"
        for warehouse in self._warehouses.values():
            yield f"drop warehouse if exists {warehouse}"
        yield f"drop resource monitor if exists {self._monitor}"
        for role in self._warehouses:
            yield f"drop role if exists {role}"

    @property
    def _tag(self) -> str:
        return f"{self._database}.{GOVERNANCE}.personal_data"

    def _policy(self, name: str) -> str:
        return f"{self._database}.{GOVERNANCE}.hide_{name}"

    def _schemas(self, prefix: str) -> list[str]:
        nodes = [*self._manifest["sources"].values(), *self._manifest["nodes"].values()]
        return sorted({node["schema"] for node in nodes if node["schema"].startswith(prefix)})


def personal_columns(manifest: Mapping[str, Any]) -> Mapping[str, list[str]]:
    """The columns that `pii` marks, by table (`schema.table`): of sources, and of models that are tables.

    Views are left out: the masks of their tables apply in them.
    """
    found = {}
    for node in [*manifest["sources"].values(), *manifest["nodes"].values()]:
        if node["resource_type"] == "source" or (
            node["resource_type"] == "model" and node["config"]["materialized"] != "view"
        ):
            columns = [
                name
                for name, column in node["columns"].items()
                if (column.get("config") or {}).get("meta", {}).get("pii")
            ]
            if columns:
                found[f"{node['schema']}.{node['name']}"] = columns
    return dict(sorted(found.items()))
