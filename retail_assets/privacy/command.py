"""`retail-assets forget`: one person is erased everywhere, and stays erased."""

import json
import secrets
import shutil
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table

from retail_assets.catalog.contract import SourceTable
from retail_assets.catalog.exposures import EXTRACTS, exposures
from retail_assets.catalog.presence import table_of
from retail_assets.catalog.project import Project
from retail_assets.cli.launch import run_range
from retail_assets.errors import UserError
from retail_assets.ingestion.load import discard_loaded
from retail_assets.privacy import erasure, forgotten
from retail_assets.privacy.personal import EMAIL, personal_tables
from retail_assets.quality import table_states
from retail_assets.resources.sql import text
from retail_assets.resources.warehouse import Execute, Warehouse, warehouse_of
from retail_assets.settings import Settings
from retail_assets.windows import midnight

# The kinds of assets that a person's rows are in, apart from raw and the weeks of the past.
_MODELS = "kind:dbt"


def forget(settings: Settings, email: str, consumer: str, yes: bool, out: Console, notes: Console) -> None:
    """Erase a person, given by an e-mail address or a consumer key; without `yes`, say what would be.

    Raises `UserError` if nobody is known by it, or if something of the person is left.
    """
    if bool(email) == bool(consumer):
        raise UserError("Name the person by --email or by --consumer.")
    if email and "@" not in email:
        raise UserError(f"'{email}' is no e-mail address.")
    project = Project(settings)
    tables = personal_tables(project.manifest)
    warehouse = warehouse_of(settings)

    def say(told: str) -> None:
        notes.print(told, highlight=False)

    with warehouse.writing(say), warehouse.session() as execute:
        person = erasure.find(tables, _named(email, consumer, execute), execute)
        # Whoever is on the list has no rows, but may have been left half-way by a process that was killed.
        if not person.rows and not forgotten.read(settings, execute).has_any(person.named):
            raise UserError("Nobody is known by that.")
        out.print(_table(person.rows) if person.rows else "This person was forgotten before.")
        if not yes:
            out.print("Nothing was changed. --yes erases these rows and what was made of them, for good.")
            return
        day = _last_day(settings, execute)
        known = forgotten.begin(settings, execute)
        moment = midnight(day, settings.timezone)
        # In this order: a build too many does no harm.
        _build_again(project.manifest, moment, settings, execute)
        erasure.mark(tables, person, known, moment, execute)
    begun = datetime.now(UTC)
    built = run_range(day, day, _MODELS, False, notes)
    if not built.success:
        out.print(built.summary())
        raise UserError(
            "The person's rows are marked as deleted, and no reading brings them back. They are erased by the"
            " next night in which all models are built, or by the same command again."
        )
    with warehouse.writing(say):
        receipt = _finish(settings, warehouse, tables, person, begun)
    _write_files(settings, warehouse, project)
    out.print(f"Erased. The receipt, which names nobody, is {receipt}.", highlight=False, soft_wrap=True)
    out.print(
        "Files that people have exported, and backups, are not in the home: see docs/privacy.md.",
        highlight=False,
    )


def _named(email: str, consumer: str, execute: Execute) -> Mapping[str, Sequence[str]]:
    if email:
        return {EMAIL: [email]}
    rows = execute(
        "select source_system, source_id, email from warehouse.wh_consumer_identities"
        f" where consumer_key = {text(consumer)} and consumer_type = 'person'"
    )
    named: dict[str, list[str]] = {}
    for system, record, address in rows:
        if address:
            named.setdefault(EMAIL, []).append(address)
        elif system in _RECORDS:
            named.setdefault(_RECORDS[system], []).append(record)
    return named


# The table of each system that a consumer's record is in.
_RECORDS = {"crm": "crm.consumers", "webshop": "webshop.users", "erp": "erp.customer"}


def _last_day(settings: Settings, execute: Execute) -> date:
    """The last day that was built."""
    ends = [
        state.applied_until
        for name, state in table_states.read(execute).items()
        if not name.startswith("raw_") and state.applied_until
    ]
    if not ends:
        raise UserError("Nothing has been built yet: there is nobody to forget.")
    return max(ends).astimezone(ZoneInfo(settings.timezone)).date() - timedelta(days=1)


def _build_again(manifest: Mapping[str, Any], moment: datetime, settings: Settings, execute: Execute) -> None:
    """Let whichever run comes next begin at the marks, also if this process is killed now."""
    known = table_states.read(execute)
    nodes = manifest["nodes"].items()
    models = {table_of(manifest, each) for each, node in nodes if node["resource_type"] == "model"}
    states = [
        state.set_back(moment, "A person is to be forgotten.")
        for name, state in known.items()
        if name in models and state.applied_until and state.state != "not ingested"
    ]
    table_states.write(execute, states, known, "forget", settings.timezone)


def _finish(
    settings: Settings,
    warehouse: Warehouse,
    tables: Sequence[SourceTable],
    person: erasure.Person,
    begun: datetime,
) -> Path:
    """Rewrite what holds freed blocks, bring both copies up to date, look once more, and write a receipt."""
    with warehouse.session() as execute:
        left = erasure.remaining(tables, person, execute)
        erased = erasure.erased_since(begun, execute)
    if left:
        raise UserError(f"Rows of the person are left in {', '.join(left)}. Run the same command again.")
    discard_loaded(settings.home / "dlt")
    # Copies that a review left, if it was killed.
    shutil.rmtree(settings.home / "review", ignore_errors=True)
    # A database keeps deleted rows in blocks that nothing points to, until it needs them.
    warehouse.rewrite_storage()
    for _ in range(2):
        warehouse.publish()
    receipt = settings.home / "receipts" / f"forgotten-{begun:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}.json"
    receipt.parent.mkdir(mode=0o700, exist_ok=True)
    written = {
        "begun": f"{begun:%Y-%m-%d %H:%M:%S} UTC",
        "ended": f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC",
        "records": dict(person.rows),
        "rows_erased": erased,
        "left": left,
    }
    receipt.write_text(json.dumps(written, indent=2) + "\n")
    return receipt


def _write_files(settings: Settings, warehouse: Warehouse, project: Project) -> None:
    """Write what the runs write into folders of the settings: keys of consumers are in it."""
    if settings.extracts_folder:
        from retail_assets.extracts.writing import write_extracts

        extracts = [each for each in exposures(project.manifest) if each.kind == EXTRACTS]
        write_extracts(settings, warehouse, extracts)
    if settings.dashboards_folder:
        from retail_assets.dashboards.export import update_all

        update_all(settings, warehouse)


def _table(rows: Mapping[str, int]) -> Table:
    table = Table("table", "rows", box=None, pad_edge=False)
    table.columns[1].justify = "right"
    for name, count in rows.items():
        table.add_row(name, f"{count:,}")
    return table
