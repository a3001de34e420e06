"""`retail-assets review`: what the working tree makes of the warehouse, compared with what is there.

On copies: the published warehouse is copied, brought up to the working tree as a deployment would bring it,
and some days are run again without reading the sources, which also runs the checks. With a git revision to
compare with, its code does the same on another copy first.
"""

import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from filelock import FileLock

from retail_assets.catalog.contract import MODIFIED_AT, source_tables
from retail_assets.catalog.exposures import DASHBOARDS, exposures
from retail_assets.catalog.presence import table_of
from retail_assets.catalog.project import Project
from retail_assets.dashboards.pages import FOLDER
from retail_assets.deployment import record
from retail_assets.deployment.upgrade import Plan, Upgrade
from retail_assets.errors import UserError
from retail_assets.inspection.scratch import take_parsed
from retail_assets.partitions import weekly_partitions, weeks_within
from retail_assets.quality import table_states
from retail_assets.resources.warehouse import Say, warehouse_of
from retail_assets.review.differences import Compared, compared
from retail_assets.review.sides import CHECKOUT, Outcome, ReviewError, Side, changed_files, code_of
from retail_assets.settings import Settings

DAYS = 14
# Packages whose assets the weekly job makes. Their group has their name.
_WEEKLY = ("demand", "lifetime_value", "prices", "recommendations", "segmentation")
# What these change is in no table.
_NO_TABLES = ("alerts", "cli", "dashboards", "demo", "deployment", "inspection", "review", "verification")
_PACKAGE = "retail_assets/"
_PROJECT = "dbt_project/"


@dataclass
class Review:
    """What is reported."""

    against: str
    first: date
    last: date
    newest: date
    plan: Plan
    upgrade_seconds: float = 0
    compared: Compared = field(default_factory=lambda: Compared(0, []))
    before: Outcome | None = None
    after: Outcome = field(default_factory=Outcome)
    run_seconds: tuple[float | None, float] | None = None
    files: Sequence[str] = ()
    pages: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """By page: the tables that it reads and that are not the same; none if its own file has changed."""
    notes: list[str] = field(default_factory=list)

    @property
    def newly_failed(self) -> Mapping[str, str]:
        """The checks that did not fail before, as far as that is known."""
        known = self.before.failed if self.before else {}
        return {name: said for name, said in self.after.failed.items() if name not in known}

    @property
    def is_sound(self) -> bool:
        """Whether all could be built, and no check fails that held before."""
        return not self.after.errors and not self.newly_failed


def review(
    settings: Settings, against: str | None, first: date | None, last: date | None, say: Say
) -> Review:
    """Build on copies, and compare. Raises `ReviewError` if there is nothing to compare with."""
    if settings.warehouse != "duckdb":
        raise ReviewError(
            "A review copies a DuckDB file; cloning a Snowflake database is not there yet. Review on a home"
            " with the same code, such as a demo's, and compare the account with `retail-assets verify`."
        )
    if not settings.published_path.exists():
        raise ReviewError(
            "Nothing has been built yet. Run `retail-assets demo`, or `retail-assets backfill`."
        )
    files = changed_files(against) if against else []
    with _folder(settings.home) as folder:
        before = Side(folder / "before", folder / "code", settings)
        before.prepare(settings.published_path)
        newest = _newest_day(before)
        last = min(last or newest, newest)
        first = max(first or last - timedelta(days=DAYS - 1), settings.start_date)
        if first > last:
            raise ReviewError(f"{first} is after {last}: the warehouse has days up to {newest}.")
        if against:
            say(f"Building the code of {against} on a copy.")
            code_of(against, before.code)
            before.run("upgrade", "--until", str(newest))
            if before.outcome.errors:
                raise ReviewError(
                    f"The code of {against} cannot be built:\n" + "\n".join(before.outcome.errors)
                )
        after = Side(folder / "after", CHECKOUT, settings)
        after.prepare(before.warehouse)
        project = Project(after.settings)
        take_parsed(Project(settings), project)
        plan = _plan(after, project, newest)
        found = Review(against or "the warehouse", first, last, newest, plan, files=files)
        found.before, found.after = before.outcome if against else None, after.outcome
        if plan:
            say("Building the working tree on a copy.")
            found.upgrade_seconds = after.run("upgrade", "--until", str(newest))
        if not after.outcome.errors:
            _run(found, before if against else None, after, project.manifest, settings, say)
        say("Comparing.")
        found.compared = compared(before.warehouse, after.warehouse, _keys(project.manifest))
        found.pages = _pages(project.manifest, {each.table for each in found.compared.differences}, files)
        return found


@contextmanager
def _folder(home: Path) -> Iterator[Path]:
    """A folder for as long as the review takes, beside the warehouse: there is room for what is as large."""
    folder = home / "review"
    with FileLock(home / "review.lock"):
        # One that was killed leaves it.
        shutil.rmtree(folder, ignore_errors=True)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _newest_day(side: Side) -> date:
    """The last day that is in the tables."""
    with warehouse_of(side.settings).session() as execute:
        if not table_states.read(execute):
            raise ReviewError("The warehouse does not say until which day its tables go: run a day first.")
        ((newest,),) = execute(f"select max(as_of) from {table_states.TABLE}")
    day: date = newest
    return day


def _plan(side: Side, project: Project, newest: date) -> Plan:
    warehouse = warehouse_of(side.settings)
    with warehouse.session() as execute:
        return Upgrade(side.settings, project, warehouse, newest).plan(execute)


def _run(
    found: Review,
    before: Side | None,
    after: Side,
    manifest: Mapping[str, Any],
    settings: Settings,
    say: Say,
) -> None:
    """Run the days, and where it matters the weeks, on both sides, and note what they took."""
    sides = [each for each in (before, after) if each]
    days = ("--from", str(found.first), "--to", str(found.last))
    roots = _roots(found, manifest)
    seconds: dict[str, float] = {}
    for side in sides:
        selection = _selection(roots, side)
        if selection:
            say(f"Running {found.first} to {found.last}{' as before' if side is before else ''}.")
            seconds[side.home.name] = side.run("backfill", *days, "--select", selection)
    if "after" in seconds:
        found.run_seconds = (seconds.get("before"), seconds["after"])
    packages = sorted({_package(path) for path in found.files} & {*_WEEKLY})
    if packages:
        try:
            weeks_within(weekly_partitions(settings).get_partition_keys(), found.first, found.last)
        except UserError as error:
            found.notes.append(f"Weekly assets were not made: {error}")
            return
        for side in sides:
            selection = " or ".join(f"group:{name}" for name in packages)
            say(f"Making {', '.join(packages)}{' as before' if side is before else ''}.")
            side.run("backfill", *days, "--weekly", "--select", selection)
    if any(_package(path) == "ingestion" for path in found.files):
        found.notes.append(
            "The sources were not read: what the changed code of ingestion makes of them is not in here."
            " Load them into a home of their own to see that."
        )


def _roots(found: Review, manifest: Mapping[str, Any]) -> Collection[str] | None:
    """The models to run again with all that reads them, by schema and name; None for all."""
    if any(
        path.startswith(_PACKAGE) and path.endswith(".py") and _package(path) not in (*_WEEKLY, *_NO_TABLES)
        for path in found.files
    ):
        return None
    declared = {path.removeprefix(_PROJECT) for path in found.files if path.startswith(_PROJECT)}
    roots = set(found.plan.build)
    for node in manifest["nodes"].values():
        # A test is declared beside its model.
        of_model = str(node.get("patch_path") or "").partition("://")[2]
        if node["resource_type"] == "model" and of_model in declared:
            roots.add(table_of(manifest, node["unique_id"]))
    return roots


def _selection(roots: Collection[str] | None, side: Side) -> str:
    """Dagster's selection of these models and all that reads them, as far as they are there."""
    if roots is None:
        return "kind:dbt"
    with warehouse_of(side.settings).session() as execute:
        there = record.relations(execute)
    keys = sorted(name.replace(".", "/") for name in roots if name in there)
    return " or ".join(f'key:"{key}"+' for key in keys)


def _package(path: str) -> str:
    """The package of a file of the product's, such as `ingestion`."""
    inner = path.removeprefix(_PACKAGE)
    return inner.partition("/")[0] if path.startswith(_PACKAGE) and "/" in inner else ""


def _keys(manifest: Mapping[str, Any]) -> Mapping[str, Sequence[str]]:
    """What names a row of each table: its grain, where a test says so, else the key that a run replaces."""
    nodes = manifest["nodes"]
    found: dict[str, Sequence[str]] = {}
    for node in nodes.values():
        if node["resource_type"] == "model":
            key = node["config"].get("unique_key") or []
            found[table_of(manifest, node["unique_id"])] = [key] if isinstance(key, str) else key
    for node in nodes.values():
        test = node.get("test_metadata") or {}
        if test.get("name") == "unique_grain" and node.get("attached_node") in nodes:
            found[table_of(manifest, node["attached_node"])] = test["kwargs"]["columns"]
    for system in {source["source_name"] for source in manifest["sources"].values()}:
        for table in source_tables(manifest, system):
            found[f"{table.schema}.{table.name}"] = [*table.primary_key, MODIFIED_AT]
    return found


def _pages(
    manifest: Mapping[str, Any], tables: Collection[str], files: Collection[str]
) -> Mapping[str, Sequence[str]]:
    """The pages that show one of these tables, or whose own file has changed."""
    found = {}
    for each in exposures(manifest):
        read = sorted({*tables}.intersection(each.tables))
        if each.kind == DASHBOARDS and (read or f"{_PROJECT}{FOLDER}/{each.name}.yml" in files):
            found[each.label] = read
    return found
