"""What can be explained, and how: the contract's tables, and what stands beside the models (`meta.explain`).

Of a staging model:
  subject  what its rows are called (`order`). `explain order erp 1` is the row with the rows that refer to it
  days     its columns with the days whose figures it counts in
  tables   the tables that have it by its number: {model, key, where}
Of a mart:
  day      its column with the day
  where    its rows that are explained, where each fact is in several
  by       its further columns that a row is of, each with the same of the facts: a column, or an expression
  rows     the facts that its figures are made of: {model, day, where, as_of, figures: {column: aggregate}}.
           `as_of` adds columns that a history has of the facts' day: {model, key, columns}
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from retail_assets.catalog.contract import SourceTable, source_tables
from retail_assets.catalog.presence import presence, systems_behind, table_of
from retail_assets.catalog.translator import personal_names
from retail_assets.errors import UserError
from retail_assets.ingestion.mapping import nearest
from retail_assets.settings import PREFIX, SYSTEMS, Settings

ENTRY = "explain"


@dataclass(frozen=True)
class Staged:
    """A source table, and the staging model that has its rows."""

    source: SourceTable
    model: Mapping[str, Any]
    personal: frozenset[str]
    """The columns that are not shown, by raw's names."""

    @property
    def name(self) -> str:
        """As a user writes it: `erp.customer`."""
        return f"{self.source.system}.{self.source.name}"

    @property
    def raw(self) -> str:
        return f"{self.source.schema}.{self.source.name}"

    @property
    def relation(self) -> str:
        return f"{self.model['schema']}.{self.model['name']}"

    @property
    def entry(self) -> Mapping[str, Any]:
        return _entry(self.model)

    @property
    def key(self) -> Sequence[tuple[str, str]]:
        """The key's columns, by raw's and by staging's name."""
        return list(zip(self.source.primary_key, self.model["config"]["unique_key"], strict=True))

    @property
    def key_is_personal(self) -> bool:
        """Whether the key itself is, or has, what is not shown."""
        return not self.personal.isdisjoint(self.source.primary_key)

    def references(self, other: "Staged") -> list[str]:
        """The columns, by raw's names, that name a row of another table of the system."""
        return [each.name for each in self.source.columns if each.references == other.source.name]


@dataclass(frozen=True)
class Model:
    """A model of the dbt project, and the table that it makes."""

    node: Mapping[str, Any]

    @property
    def table(self) -> str:
        return f"{self.node['schema']}.{self.node['name']}"


@dataclass(frozen=True)
class Place(Model):
    """A table that has a subject's rows by its number."""

    key: str
    where: str


@dataclass(frozen=True)
class History(Model):
    """What describes facts as of their day."""

    key: str
    columns: Sequence[str]


@dataclass(frozen=True)
class Behind(Model):
    """Facts that a mart's figures are made of."""

    day: str
    where: str
    figures: Mapping[str, str]
    history: History | None

    @property
    def rows(self) -> str:
        """What to select from: the facts, with what describes them."""
        if self.history is None:
            return self.table
        columns = ", ".join(f"history.{name}" for name in self.history.columns)
        return f"""
            (
                select facts.*, {columns}
                from {self.table} as facts
                left join {self.history.table} as history
                    on facts.{self.history.key} = history.{self.history.key}
                    and facts.{self.day} >= history.valid_from
                    and (history.valid_to is null or facts.{self.day} < history.valid_to)
            ) as described
        """


@dataclass(frozen=True)
class Mart(Model):
    """A mart whose figures can be explained."""

    day: str
    where: str
    by: Mapping[str, str]
    behind: Sequence[Behind]


class Catalog:
    """What the manifest says of tables and models."""

    def __init__(self, manifest: Mapping[str, Any], settings: Settings):
        self.manifest = manifest
        self._settings = settings
        self._personal = personal_names(manifest)
        self._absent = presence(manifest, settings.systems).absent
        self._models = {
            node["name"]: node for node in manifest["nodes"].values() if node["resource_type"] == "model"
        }
        self.staged = {each.name: each for each in self._staged()}

    def model(self, name: str) -> Mapping[str, Any]:
        """A model by its name."""
        node: Mapping[str, Any] = self._models[name]
        return node

    def table(self, name: str) -> Staged:
        """A table of the contract. Raises `UserError` if there is none, or its system is not ingested."""
        found = self.staged.get(name.removeprefix("raw_"))
        if not found:
            raise UserError(f"There is no table {name}{nearest(name, [*self.staged, *self.marts])}")
        if found.source.system not in self._settings.systems:
            raise UserError(f"{found.source.system} is not ingested. Add it to {PREFIX}SOURCES.")
        return found

    def subject(self, subject: str, system: str) -> Staged:
        """The table whose rows are called so in a system. Raises `UserError` if there is none."""
        found = {each.source.system: each for each in self.subjects(subject)}
        if system not in SYSTEMS:
            raise UserError(f"There is no system {system}{nearest(system, SYSTEMS)}")
        if system not in self._settings.systems:
            raise UserError(f"{system} is not ingested. Add it to {PREFIX}SOURCES.")
        if system not in found:
            raise UserError(f"{system} has no table of {subject}s; these systems have: {', '.join(found)}.")
        return found[system]

    def subjects(self, subject: str | None = None) -> list[Staged]:
        """The ingested tables whose rows are called so, or anything."""
        named = (
            each
            for each in self.staged.values()
            if each.entry.get("subject") and each.source.system in self._settings.systems
        )
        return [each for each in named if subject in (None, each.entry["subject"])]

    def parts(self, whole: Staged) -> dict[str, Staged]:
        """The tables of the same system whose rows refer to a row of this one, or to a part of it."""
        system = [each for each in self.staged.values() if each.source.system == whole.source.system]
        direct = [each for each in system if each.references(whole)]
        through = [each for each in system for part in direct if each is not part and each.references(part)]
        # A customer's rows are none of an order's: only what belongs to the order and nothing else.
        return {each.name: each for each in (*direct, *through) if each is not whole}

    def places(self, whole: Staged) -> list[Place]:
        """The tables that have a subject's rows by its number."""
        return [
            Place(self.model(each["model"]), each["key"], each.get("where", "true"))
            for each in whole.entry.get("tables", ())
            if self.model(each["model"])["unique_id"] not in self._absent
        ]

    @property
    def marts(self) -> Mapping[str, Mapping[str, Any]]:
        """The marts of the dbt project, by schema and name."""
        return {
            f"{node['schema']}.{node['name']}": node
            for node in self._models.values()
            if node["schema"].startswith("mart_")
        }

    def mart(self, name: str) -> Mart | None:
        """A mart by its name, with or without its schema; None if it has no entry.

        Raises `UserError` if its systems are not ingested.
        """
        node = next(
            (node for each, node in self.marts.items() if name in (each, each.partition(".")[2])), None
        )
        entry = _entry(node) if node else None
        if not node or not entry:
            return None
        if node["unique_id"] in self._absent:
            systems = systems_behind(self.manifest, node["unique_id"], self._settings.systems)
            raise UserError(
                f"{name} is not there: it needs {' or '.join(systems)}. Add it to {PREFIX}SOURCES."
            )
        behind = [
            Behind(
                self.model(each["model"]),
                each["day"],
                each.get("where", "true"),
                each["figures"],
                self._history(each.get("as_of")),
            )
            for each in entry["rows"]
        ]
        return Mart(node, entry["day"], entry.get("where", "true"), entry.get("by", {}), behind)

    def _history(self, said: Mapping[str, Any] | None) -> History | None:
        return History(self.model(said["model"]), said["key"], said["columns"]) if said else None

    def explained(self) -> list[str]:
        """The marts that have an entry."""
        return sorted(name for name, node in self.marts.items() if _entry(node))

    def replaced_with(self, whole: Staged) -> Iterator[tuple[str, str, Sequence[str]]]:
        """The marts that replace what a row of this table affects: mart, who lists its keys, the keys."""
        downstream = self._downstream(whole.model["unique_id"] + "_versions")
        for name, node in sorted(self.marts.items()):
            if node["unique_id"] in self._absent:
                continue
            affected = node["config"]["meta"].get("affected")
            if affected and affected["by"] in downstream:
                key = affected.get("key") or node["config"]["unique_key"]
                yield name, table_of(self.manifest, self.model(affected["by"])["unique_id"]), key

    def shown_columns(self, node: Mapping[str, Any]) -> list[str]:
        """A model's columns without personal data and without its bookkeeping."""
        return [name for name in node["columns"] if name not in self._personal and not name.startswith("_")]

    def _downstream(self, unique_id: str) -> set[str]:
        found: set[str] = set()
        waiting = [unique_id]
        while waiting:
            for each in self.manifest["child_map"][waiting.pop()]:
                node = self.manifest["nodes"].get(each)
                if node and node["resource_type"] == "model" and node["name"] not in found:
                    found.add(node["name"])
                    waiting.append(each)
        return found

    def _staged(self) -> Iterator[Staged]:
        tables = {
            (table.system, table.name): table
            for system in SYSTEMS
            for table in source_tables(self.manifest, system)
        }
        for name, node in self._models.items():
            if name.endswith("_versions") and node["sources"]:
                table = tables[tuple(node["sources"][0])]
                personal = self._personal & {each.name for each in table.columns}
                yield Staged(table, self.model(name.removesuffix("_versions")), personal)


def _entry(node: Mapping[str, Any]) -> Mapping[str, Any]:
    entry: Mapping[str, Any] = node["config"].get("meta", {}).get(ENTRY) or {}
    return entry
