"""What is in quarantine: by table and reason, and row by row. Without personal data."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from retail_assets.catalog.contract import CHANGED_AT, DELETED_AT, LOADED_AT, ROW_HASH
from retail_assets.errors import UserError
from retail_assets.explaining.entries import Catalog, Staged
from retail_assets.explaining.explanation import PERSONAL, Query
from retail_assets.explaining.versions import day_of
from retail_assets.ingestion.mapping import nearest
from retail_assets.ingestion.refusals import TABLE as REFUSED_ROWS
from retail_assets.quality.held_back import QUARANTINE, RELEASED
from retail_assets.resources.sql import text


@dataclass(frozen=True)
class HeldRow:
    """A row in quarantine."""

    table: str
    key: str
    reason: str
    is_refused: bool
    value: str | None
    """What is wrong in it: the columns that the rule looks at, or the value that could not be loaded."""
    amount: Any
    since: date
    """The day that took it in."""
    loaded_at: Any
    origin: str | None
    row_hash: int

    @property
    def line(self) -> dict[str, Any]:
        """As it is shown."""
        return {
            "key": self.key,
            "what": "refused: not in raw" if self.is_refused else "held back by a rule",
            "reason": self.reason,
            "value": self.value,
            "amount": self.amount,
            "since": self.since,
            "loaded_at": self.loaded_at and self.loaded_at.replace(microsecond=0),
            "file": self.origin,
        }


class Desk:
    """The quarantine of the published copy."""

    def __init__(self, catalog: Catalog, timezone: str, query: Query):
        self._catalog = catalog
        self._timezone = timezone
        self._query = query
        self._names = {str(each.model["name"]): name for name, each in catalog.staged.items()}

    def counts(self, table: str = "") -> list[dict[str, Any]]:
        """By table and reason: how many rows, what they are worth, since when; the most first."""
        where = f"model_name = {text(self._model(table))}" if table else "true"
        found = self._query(f"""
            select
                model_name, reason, is_refused, count(*) as held, sum(amount) as amount,
                min({CHANGED_AT}) as since, max({CHANGED_AT}) as newest
            from {QUARANTINE}
            where {where}
            group by model_name, reason, is_refused
            order by count(*) desc, model_name, reason
        """).to_pylist()
        return [
            {
                "table": self._names.get(each["model_name"], each["model_name"].removeprefix("raw_")),
                "reason": each["reason"],
                "what": "refused: not in raw" if each["is_refused"] else "held back by a rule",
                "rows": each["held"],
                "amount": each["amount"],
                "since": day_of(each["since"], self._timezone),
                "newest": day_of(each["newest"], self._timezone),
            }
            for each in found
        ]

    def rows(self, table: str, key: Sequence[str] = (), reason: str = "") -> list[HeldRow]:
        """A table's rows in quarantine; of a key, or for a reason. Raises `UserError` if there are none."""
        staged = self._catalog.table(table)
        found = [*self._held(staged), *self._refused(staged)]
        if not found:
            raise UserError(f"Nothing of {staged.name} is in quarantine.")
        if reason:
            reasons = sorted({each.reason for each in found})
            found = [each for each in found if reason.casefold() in each.reason.casefold()]
            if not found:
                raise UserError(
                    f"No row of {staged.name} is held back for '{reason}'{nearest(reason, reasons)}"
                )
        if key:
            wanted = {
                row_key(names, key) for names in zip(*staged.key, strict=True) if len(names) == len(key)
            }
            found = [each for each in found if each.key in wanted]
            if not found:
                raise UserError(
                    f"No row of {staged.name} with the key {', '.join(key)} is in quarantine"
                    f" (its key is {', '.join(staged.source.primary_key)})."
                )
        return sorted(found, key=lambda each: (each.since, each.key, each.row_hash))

    def table(self, name: str) -> Staged:
        """A table of the contract. Raises `UserError` if there is none."""
        return self._catalog.table(name)

    def released(self, table: str = "") -> list[dict[str, Any]]:
        """What was released: by whom, when and why."""
        return [
            {
                "table": self._names.get(each["model_name"], each["model_name"]),
                "key": each["row_key"] or PERSONAL,
                "reason": each["reason"],
                "by": each["released_by"],
                "at": each["released_at"],
                "why": each["why"],
            }
            for each in self._releases(table)
        ]

    def releases_of(self, table: str, key: Sequence[str]) -> list[HeldRow]:
        """The released rows of a key, with the day that took them in."""
        staged = self._catalog.table(table)
        wanted = row_key([name for _, name in staged.key], key) if len(key) == len(staged.key) else ""
        found = []
        for each in self._releases(table):
            if each["row_key"] == wanted:
                versions = self._query(
                    f"select {CHANGED_AT} as changed_at, {LOADED_AT} as loaded_at"
                    f" from {staged.relation}_versions where {ROW_HASH} = {each['row_hash']}"
                ).to_pylist()
                found += [
                    self._row(staged, {**each, **version, "amount": None}, False, None, None)
                    for version in versions
                ]
        return found

    def _releases(self, table: str) -> list[dict[str, Any]]:
        there = self._query(
            "select table_name from information_schema.tables"
            f" where lower(table_schema || '.' || table_name) = '{RELEASED}'"
        )
        if not there.num_rows:
            return []
        where = f"where model_name = {text(self._model(table))}" if table else ""
        found: list[dict[str, Any]] = self._query(
            f"select * from {RELEASED} {where} order by released_at desc, row_hash"
        ).to_pylist()
        return found

    def _model(self, table: str) -> str:
        return str(self._catalog.table(table).model["name"])

    def _held(self, staged: Staged) -> Iterator[HeldRow]:
        rules = rules_of(staged)
        looked_at = {reason: self._columns(staged, rule["when"]) for reason, rule in rules.items()}
        columns = sorted({name for names in looked_at.values() for name in names})
        read = "".join(f", versions.{name} as value_{name}" for name in columns)
        for row in self._query(f"""
            select held.row_key, held.row_hash, held.reason, held.amount, held.{CHANGED_AT} as changed_at,
                versions.{LOADED_AT} as loaded_at{read}
            from {QUARANTINE} as held
            inner join {staged.relation}_versions as versions on held.row_hash = versions.{ROW_HASH}
            where held.model_name = {text(str(staged.model["name"]))} and not held.is_refused
                and versions.{DELETED_AT} is null
        """).to_pylist():
            values = ", ".join(
                f"{name}={'null' if row[f'value_{name}'] is None else row[f'value_{name}']}"
                for name in looked_at.get(row["reason"], ())
            )
            yield self._row(staged, row, False, values or None, None)

    def _refused(self, staged: Staged) -> Iterator[HeldRow]:
        for row in self._query(f"""
            select row_key, {ROW_HASH} as row_hash, reason, value, amount, origin, column_name,
                {CHANGED_AT} as changed_at, {LOADED_AT} as loaded_at
            from {staged.source.schema}.{REFUSED_ROWS}
            where table_name = {text(staged.source.name)} and {DELETED_AT} is null
        """).to_pylist():
            value = f"{row['column_name']}={row['value']}" if row["value"] is not None else None
            yield self._row(staged, row, True, value, row["origin"])

    def _row(
        self, staged: Staged, row: Mapping[str, Any], is_refused: bool, value: str | None, origin: str | None
    ) -> HeldRow:
        since = day_of(row["changed_at"], self._timezone)
        assert since
        return HeldRow(
            table=staged.name,
            key=PERSONAL if staged.key_is_personal else row["row_key"] or "(no key)",
            reason=row["reason"],
            is_refused=is_refused,
            value=value,
            amount=row["amount"],
            since=since,
            loaded_at=row["loaded_at"],
            origin=origin,
            row_hash=row["row_hash"],
        )

    def _columns(self, staged: Staged, rule: str) -> list[str]:
        """The columns that a rule looks at, without personal data."""
        words = set(re.findall(r"\w+", re.sub(r"'[^']*'", "", rule)))
        return [name for name in self._catalog.shown_columns(staged.model) if name in words]


def rules_of(staged: Staged) -> Mapping[str, Mapping[str, Any]]:
    """The rules of quarantine of a table's staging model, by reason."""
    rules = staged.model["config"]["meta"].get("quarantine") or ()
    return {rule["reason"]: rule for rule in rules}


def row_key(names: Sequence[str], values: Sequence[str]) -> str:
    """A key as quarantine writes it: `order_id=1, line=2`."""
    return ", ".join(f"{name}={value}" for name, value in zip(names, values, strict=True))
