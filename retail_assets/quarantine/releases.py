"""Rows that somebody accepts in spite of a rule, with who, when and why: `quality.released_rows`.

Staging reads it (macros/staging.sql). What is accepted is one content of a row: when the source changes the
row, the rules judge it anew. The table is in the warehouse, so that it is true of its tables whatever is
restored or copied where.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from retail_assets.errors import UserError
from retail_assets.explaining.entries import Staged
from retail_assets.explaining.explanation import PERSONAL
from retail_assets.quality.held_back import RELEASED
from retail_assets.quarantine.desk import HeldRow, rules_of
from retail_assets.resources.sql import literal, text
from retail_assets.resources.warehouse import Execute, transaction

SCHEMA = RELEASED.partition(".")[0]

_COLUMNS = {
    "model_name": "varchar",
    "row_key": "varchar",  # as quarantine writes it; null where it is personal data
    "row_hash": "bigint",  # of the content that was accepted
    "reason": "varchar",  # the rule that is set aside
    "released_by": "varchar",
    "released_at": "timestamp",  # UTC
    "why": "varchar",
}


@dataclass(frozen=True)
class Release:
    """A row that is accepted in spite of a rule."""

    model: str
    row: HeldRow


def releasable(staged: Staged, rows: Sequence[HeldRow]) -> list[Release]:
    """The releases of these rows. Raises `UserError`, with why, if one of them cannot be released."""
    rules = rules_of(staged)
    possible = [reason for reason, rule in rules.items() if rule.get("release")]
    for row in rows:
        if row.is_refused:
            raise UserError(
                f"{row.key} was refused: it is not in raw, so there is nothing to accept. Mend it at the"
                " source or in the mapping; the next run reads it again."
            )
        if row.reason not in possible:
            others = f" Those that can be: {'; '.join(possible)}." if possible else ""
            raise UserError(
                f"{row.key} cannot be released: '{row.reason}'. The models need what is wrong or missing"
                " there, to know when it was, whose it is or what it is worth. Mend it at the source, or"
                f" change the rule (meta.quarantine of {staged.model['name']}).{others}"
            )
    return [Release(str(staged.model["name"]), row) for row in rows]


def record(execute: Execute, releases: Sequence[Release], by: str, why: str) -> None:
    """Note that rows are released. Again is the same."""
    columns = ", ".join(f"{name} {kind}" for name, kind in _COLUMNS.items())
    execute(f"create schema if not exists {SCHEMA}")
    execute(f"create table if not exists {RELEASED} ({columns})")
    now = f"timestamp '{datetime.now(UTC):%Y-%m-%d %H:%M:%S}'"
    values = ", ".join(
        f"({text(each.model)}, {literal(None if each.row.key == PERSONAL else each.row.key)},"
        f" {each.row.row_hash}, {text(each.row.reason)}, {text(by)}, {now}, {text(why)})"
        for each in releases
    )
    with transaction(execute):
        for each in releases:
            forget(execute, each.model, each.row.row_hash, each.row.reason)
        execute(f"insert into {RELEASED} ({', '.join(_COLUMNS)}) values {values}")


def forget(execute: Execute, model: str, row_hash: int, reason: str) -> None:
    """Take a release back."""
    execute(
        f"delete from {RELEASED} where model_name = {text(model)} and row_hash = {row_hash}"
        f" and reason = {text(reason)}"
    )
