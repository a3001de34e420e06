"""Upgrading a home that another version wrote: planning the steps, and executing them.

The record in the warehouse (record.py) has what each model's table was built from. Models that are made from
something else now are rebuilt from raw, with everything downstream. Raw's tables are migrated to the
contract. Tables of models that the project no longer has are dropped, if they are in the record.

A run does this before it writes anything; `retail-assets upgrade` does it at once. It may be killed at any
time: each step is marked before it begins, and repeated.
"""

import json
import shutil
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from functools import cached_property
from graphlib import TopologicalSorter
from importlib.metadata import version
from typing import Any

import dagster as dg
from packaging.version import Version

from retail_assets.catalog.contract import SourceTable, source_tables
from retail_assets.catalog.descriptions import descriptions
from retail_assets.catalog.entry import catalog_entry
from retail_assets.catalog.fingerprints import digest, fingerprints
from retail_assets.catalog.presence import presence
from retail_assets.catalog.project import Project
from retail_assets.deployment import record
from retail_assets.deployment.record import UNFINISHED, Record
from retail_assets.errors import UserError
from retail_assets.ingestion.keys import systems_of_text
from retail_assets.ingestion.raw_changes import RawChange, column_of, raw_changes
from retail_assets.ingestion.raw_tables import create_raw_tables
from retail_assets.partitions import daily_partitions, weekly_partitions
from retail_assets.quality import restatements, table_states
from retail_assets.resources.sessions import Session
from retail_assets.resources.storage import STORAGE_VERSION
from retail_assets.resources.warehouse import Execute, Say, Warehouse, transaction
from retail_assets.resources.weekly_tables import WeeklyTables
from retail_assets.settings import Settings
from retail_assets.windows import Window

_PACKAGE = "retail_assets"
# Weekly tables are kept under this name until their weeks are there again.
_BEFORE = "_before_upgrade"


class UpgradeError(UserError):
    """The home cannot be brought up to this version; the message says what to do."""


@dataclass(frozen=True)
class Plan:
    """What an upgrade does, in the order in which it does it."""

    written_by: str | None
    """The version that wrote the home; None if it has no record."""
    known: Mapping[str, str]
    """Fingerprints of the models that the home had, by schema and name."""
    storage: str | None
    """The storage version that the warehouse is rewritten from."""
    raw: Sequence[RawChange]
    build: Mapping[str, str]
    """Models to rebuild, by schema and name, each with the reason."""
    until: str | None
    """The newest day in the tables, if daily models are rebuilt: up to its end."""
    weeks: Mapping[str, Sequence[str]]
    """The weeks to rebuild, by weekly table."""
    columns: Sequence[str]
    """Statements that give the weekly tables that Python writes their columns."""
    drop: Mapping[str, str]
    """Relations that no model owns any more, by schema and name: `table` or `view`."""

    def __bool__(self) -> bool:
        return any((self.storage, self.raw, self.build, self.columns, self.drop))

    def lines(self, names: bool = True) -> Iterator[str]:
        """What it does, for people; with the names of models, or only how many there are."""
        if self.storage:
            yield (
                f"Rewrite the warehouse in DuckDB's storage version {STORAGE_VERSION} (it is in"
                f" {self.storage}), so that older versions of DuckDB open it."
            )
        for change in self.raw:
            yield f"Change {change.table.schema}.{change.table.name}: {change.text}."
        by_reason: dict[str, list[str]] = defaultdict(list)
        for model, reason in self.build.items():
            by_reason[reason].append(model)
        for reason, models in by_reason.items():
            listed = f": {', '.join(sorted(models))}" if names else ""
            yield f"Rebuild {_counted(models, 'model')} from raw, {reason}{listed}."
        if self.until:
            yield f"The daily ones are as of the end of {self.until} then, the newest day that they have now."
        weeks = sorted({week for each in self.weeks.values() for week in each})
        if weeks:
            yield f"Make {_counted(weeks, 'week')} again: {weeks[0]} to {weeks[-1]}."
        if self.drop:
            yield f"Drop what no model owns any more: {', '.join(sorted(self.drop))}."


def _weekly_steps() -> Sequence[tuple[WeeklyTables, str, Callable[[Session, str], object]]]:
    """The tables that Python writes week by week, which of them has every week, and what makes a week."""
    from retail_assets.demand import catalog as demand
    from retail_assets.demand import plan_catalog as plan
    from retail_assets.demand.plan_assets import week_of_plan
    from retail_assets.lifetime_value import catalog as values
    from retail_assets.prices import catalog as prices
    from retail_assets.recommendations import catalog as recommendations
    from retail_assets.segmentation import catalog as segments

    def make_segments(session: Session, week: str) -> object:
        from retail_assets.segmentation.weekly import run_week

        return run_week(session, week)

    def make_values(session: Session, week: str) -> object:
        from retail_assets.lifetime_value.weekly import run_week

        return run_week(session, week)

    def make_recommendations(session: Session, week: str) -> object:
        from retail_assets.recommendations.weekly import run_week

        return run_week(session, week)

    def make_forecasts(session: Session, week: str) -> object:
        from retail_assets.demand.weekly import run_week

        return run_week(session, week)

    def make_prices(session: Session, week: str) -> object:
        from retail_assets.prices.weekly import run_week

        return run_week(session, week)

    return (
        (segments.TABLES, segments.MODELS, make_segments),
        (values.TABLES, values.MODELS, make_values),
        (recommendations.TABLES, recommendations.RECOMMENDATIONS, make_recommendations),
        (demand.TABLES, demand.FORECASTS, make_forecasts),
        (prices.TABLES, prices.MODELS, make_prices),
        (plan.PLAN_TABLES, plan.PLAN, week_of_plan),
    )


def _counted(things: Collection[str], name: str) -> str:
    return f"{len(things)} {name}{'s' if len(things) != 1 else ''}"


def package_version() -> str:
    """The version that runs."""
    return version(_PACKAGE)


class Upgrade:
    """A home, and what this version of the project wants it to be.

    `until` is the newest day whose changes the tables have, where Dagster's history does not tell.
    """

    def __init__(self, settings: Settings, project: Project, warehouse: Warehouse, until: date | None = None):
        self._settings = settings
        self._project = project
        self._warehouse = warehouse
        self._until = until
        self._legacy = project.folder / project.target

    def is_needed(self) -> bool:
        """Whether the home is not of this version. Costs one look at the record. Only inside `writing`."""
        if self._warehouse.outdated_storage():
            return True
        with self._warehouse.session() as execute:
            return record.read_home(execute) != (package_version(), self._fingerprint)

    def published_plan(self) -> Plan:
        """The plan by what readers see, which asks nobody to wait. Raises as `plan` does."""
        return self.plan(
            lambda statement: [tuple(row.values()) for row in self._warehouse.query(statement).to_pylist()]
        )

    def plan(self, execute: Execute) -> Plan:
        """What there is to do. `execute` runs a query.

        Raises `UpgradeError` for a home of a newer version, and where nobody knows until when its tables go;
        `RawTypeError` for a raw table that cannot become what the contract says.
        """
        found = record.read(execute)
        if found and Version(found.version) > Version(package_version()):
            raise UpgradeError(
                f"{_PACKAGE} {found.version} wrote the home {self._settings.home}, and this is"
                f" {package_version()}: install {found.version} or a newer one, or name another home in"
                " RETAIL_HOME."
            )
        there = record.relations(execute)
        known = found.models if found else self._legacy_models(there)
        raw = list(self._raw_changes(execute))
        build = self._to_build(known, there, {each.table.unique_id for each in raw if each.changes_values})
        weekly = [model for model in build if self._partition(model) == "weekly"]
        weeks = {model: self._weeks(execute, model, there) for model in weekly}
        columns = list(self._column_changes(execute))
        for tables, model, _ in _weekly_steps():
            changed = [each for each in (*weekly, *columns) if f"{tables.schema}." in each]
            if tables.table(model) in there and changed:
                weeks[tables.table(model)] = self._weeks(execute, tables.table(model), there)
        return Plan(
            written_by=found.version if found else None,
            known=known,
            storage=self._warehouse.outdated_storage(),
            raw=raw,
            build=build,
            until=self._newest_day(known, there) if len(build) > len(weekly) else None,
            weeks={model: each for model, each in weeks.items() if each},
            columns=columns,
            drop={name: there[name] for name in known.keys() - self._owned if name in there},
        )

    def carry_out(self, plan: Plan) -> None:
        """Do what is planned, record it, and show it to readers. Only inside `writing`."""
        if plan.storage:
            self._warehouse.rewrite_storage()
        self._change_raw(plan)
        self._build_daily(plan)
        self._build_weekly(plan)
        with self._warehouse.session() as execute:
            for name, kind in plan.drop.items():
                execute(f"drop {kind} if exists {name}")
            with transaction(execute):
                record.write(execute, Record(package_version(), self._fingerprint, self._fingerprints))
            if plan.build:
                # A rebuilt table is a new one, without what the old one was described by.
                self._warehouse.comment(descriptions(self._project.manifest), execute)
        if plan:
            self._warehouse.publish()
        if plan.build:
            from retail_assets.catalog.lineage import update_columns

            update_columns(self._project, self._warehouse.execute)
        shutil.rmtree(self._legacy, ignore_errors=True)

    @cached_property
    def _models(self) -> Mapping[str, Mapping[str, Any]]:
        """The project's models by schema and name, each after what it reads."""
        nodes = self._project.manifest["nodes"]
        models = {key: node for key, node in nodes.items() if node["resource_type"] == "model"}
        order = TopologicalSorter({key: node["depends_on"]["nodes"] for key, node in models.items()})
        return {_name(models[key]): models[key] for key in order.static_order() if key in models}

    @cached_property
    def _absent(self) -> Set[str]:
        """What the deployment does not have, and therefore no run builds."""
        return presence(self._project.manifest, self._settings.systems).absent

    @cached_property
    def _tables(self) -> Sequence[SourceTable]:
        systems = {node["source_name"] for node in self._project.manifest["sources"].values()}
        return [
            table for system in sorted(systems) for table in source_tables(self._project.manifest, system)
        ]

    @cached_property
    def _owned(self) -> Collection[str]:
        raw = {f"{each.schema}.{each.name}" for each in self._tables}
        written = {tables.table(name) for tables, *_ in _weekly_steps() for name in tables.columns}
        return {*self._models, *raw, *written}

    @cached_property
    def _fingerprints(self) -> Mapping[str, str]:
        variables = {**self._project.variables, "timezone": self._settings.timezone}
        found = fingerprints(self._project.manifest, variables)
        return {name: found[node["unique_id"]] for name, node in self._models.items()}

    @cached_property
    def _fingerprint(self) -> str:
        """Of all that a plan looks at in the project."""
        return digest(
            STORAGE_VERSION,
            dict(self._fingerprints),
            {each.unique_id: [*map(str, each.raw_schema)] for each in self._tables},
            {
                name: {column: kind for column, (kind, _) in columns.items()}
                for tables, *_ in _weekly_steps()
                for name, columns in tables.columns.items()
            },
        )

    def _partition(self, model: str) -> str:
        return str(catalog_entry(self._models[model])["partition"])

    def _legacy_models(self, there: Mapping[str, str]) -> Mapping[str, str]:
        """Of a home from before there was a record: the models of the manifest that it was last run with."""
        try:
            nodes = json.loads((self._legacy / "manifest.json").read_bytes())["nodes"].values()
        except (OSError, ValueError, KeyError):
            nodes = []
        names = {_name(node) for node in nodes if node["resource_type"] == "model"}
        names |= self._models.keys() & there.keys()
        return {name: UNFINISHED if name in there else "not built" for name in names}

    def _raw_changes(self, execute: Execute) -> Iterator[RawChange]:
        schemas = ", ".join(f"'{schema}'" for schema in sorted({each.schema for each in self._tables}))
        there: dict[str, dict[str, Any]] = defaultdict(dict)
        for table, column, *described in execute(
            "select lower(table_schema) || '.' || lower(table_name) as relation,"
            " lower(column_name) as column_name, data_type, numeric_precision, numeric_scale, is_nullable"
            f" from information_schema.columns where lower(table_schema) in ({schemas})"
        ):
            there[table][column] = column_of(*described)
        for each in self._tables:
            name = f"{each.schema}.{each.name}"
            if name in there:
                yield from raw_changes(each, there[name])

    def _to_build(
        self, known: Mapping[str, str], there: Mapping[str, str], retyped: Set[str]
    ) -> Mapping[str, str]:
        """The models to rebuild, in topological order, with the reasons."""
        if not self._models.keys() & there.keys():
            # The first run builds everything from raw anyway.
            return {}
        names = {node["unique_id"]: name for name, node in self._models.items()}
        build: dict[str, str] = {}
        for name, node in self._models.items():
            parents = [names[key] for key in node["depends_on"]["nodes"] if key in names]
            if name not in there and node["unique_id"] in self._absent:
                continue
            if name not in there:
                if known.get(name) == UNFINISHED:
                    build[name] = "since nothing says what they were built from"
                # One that was known and is not there was never asked for.
                elif name not in known and all(parent in there or parent in build for parent in parents):
                    build[name] = "since they are new"
            elif not known.get(name, UNFINISHED):
                build[name] = "since nothing says what they were built from"
            elif known[name] != self._fingerprints[name]:
                build[name] = "since their SQL, macros, variables or settings have changed"
            elif retyped & {*node["depends_on"]["nodes"]}:
                build[name] = "since columns that they read change"
            elif any(parent in build for parent in parents):
                build[name] = "since they depend on others"
        for name in reversed([*self._models]):
            for key in self._models[name]["depends_on"]["nodes"]:
                if name in build and key in names and names[key] not in there:
                    build.setdefault(names[key], "since they are new")
        return {name: build[name] for name in self._models if name in build}

    def _newest_day(self, known: Mapping[str, str], there: Mapping[str, str]) -> str:
        """The newest partition that any of the tables has, by Dagster's history."""
        partitions = daily_partitions(self._settings).get_partition_keys()
        if self._until:
            if self._until.isoformat() not in partitions:
                raise UpgradeError(f"{self._until} is none of the retailer's days that are over.")
            return self._until.isoformat()
        with dg.DagsterInstance.get() as instance:
            days = {
                day
                for name in known.keys() & there.keys()
                for day in instance.get_materialized_partitions(dg.AssetKey(name.split(".")))
            }
        newest = max(days.intersection(partitions), default=None)
        if not newest:
            raise UpgradeError(
                "Models have to be rebuilt, and Dagster's history does not tell until which day their"
                " tables go. Say it once: `retail-assets upgrade --until DATE`, the last day that was run."
            )
        return newest

    def _weeks(self, execute: Execute, name: str, there: Mapping[str, str]) -> Sequence[str]:
        """The weeks that a table has, also where an upgrade was killed midway."""
        tables = [each for each in (name, name + _BEFORE) if each in there]
        weeks = {
            str(week)[:10]
            for each in tables
            for (week,) in execute(f"select distinct week_start from {each}")
        }
        return sorted(weeks & {*weekly_partitions(self._settings).get_partition_keys()})

    def _column_changes(self, execute: Execute) -> Iterator[str]:
        """Statements that give the weekly tables their columns. All of their rows are made again."""
        for tables, *_ in _weekly_steps():
            there: dict[str, set[str]] = defaultdict(set)
            for name, column in execute(
                "select lower(table_name) as name, lower(column_name) as column_name"
                f" from information_schema.columns where lower(table_schema) = '{tables.schema}'"
            ):
                there[name].add(column)
            for name, columns in tables.columns.items():
                if name in there:
                    for column in columns.keys() - there[name]:
                        yield f"alter table {tables.table(name)} add column {column} {columns[column][0]}"
                    for column in there[name] - columns.keys():
                        yield f"alter table {tables.table(name)} drop column {column}"

    def _change_raw(self, plan: Plan) -> None:
        """Migrate raw's tables to the contract, and mark the models to rebuild, in one transaction."""
        marked = {
            name: UNFINISHED if name in plan.build else fingerprint
            for name, fingerprint in plan.known.items()
        }
        retyped = [each.table for each in plan.raw if each.changes_values]
        with self._warehouse.session() as execute:
            record.create(execute)
            with transaction(execute):
                for change in plan.raw:
                    execute(change.statement)
                for table in retyped:
                    # dlt's own, in which it would round what it loads next to the former type.
                    execute(f"drop table if exists {table.schema}_staging.{table.name}")
                record.write(execute, Record(package_version(), UNFINISHED, marked))
            if plan.build:
                for system in sorted({each.system for each in self._tables}):
                    create_raw_tables([each for each in self._tables if each.system == system], execute)
        for table in retyped:
            shutil.rmtree(self._settings.home / "dlt" / table.schema, ignore_errors=True)

    def _build_daily(self, plan: Plan) -> None:
        daily = [model for model in plan.build if self._partition(model) == "daily"]
        if daily and plan.until:
            days = daily_partitions(self._settings)
            first = days.get_partition_keys()[0]
            # As a backfill of all days that the tables have.
            self._dbt(daily, _window(days, first, plan.until), full_refresh=True)

    def _build_weekly(self, plan: Plan) -> None:
        weeks = weekly_partitions(self._settings)
        there = self._relations()
        for model in (model for model in plan.build if self._partition(model) == "weekly"):
            # dbt does not rebuild them: a rebuild would have the weeks of its window only.
            if model in there and model + _BEFORE not in there:
                self._warehouse.execute(f"alter table {model} rename to {model.split('.')[1]}{_BEFORE}")
            elif model in there:
                self._warehouse.execute(f"drop table {model}")
            for first, last in _ranges(plan.weeks.get(model, [])):
                self._dbt([model], _window(weeks, first, last), full_refresh=False)
            self._warehouse.execute(f"drop table if exists {model}{_BEFORE}")
        self._make_weeks(plan)

    def _make_weeks(self, plan: Plan) -> None:
        """What Python makes of the weekly models."""
        with self._warehouse.session() as session:
            for statement in plan.columns:
                session(statement)
            for tables, model, run in _weekly_steps():
                for week in plan.weeks.get(tables.table(model), []):
                    run(session, week)

    def _relations(self) -> Mapping[str, str]:
        with self._warehouse.session() as execute:
            return record.relations(execute)

    def _dbt(self, models: Sequence[str], window: Window, *, full_refresh: bool) -> None:
        from retail_assets.transformation.runner import DbtRunError, invoke
        from retail_assets.transformation.window import build_arguments

        names = [str(self._models[model]["name"]) for model in models]
        selection = ["--resource-type", "model", "--select", *names]
        with self._warehouse.session() as execute:
            text_keys = systems_of_text(self._project.manifest, execute)
            restatements.create(execute)
            known = table_states.read(execute)
        manifest, built = self._project.manifest, {str(self._models[model]["unique_id"]) for model in models}
        arguments = build_arguments(
            window,
            self._settings.timezone,
            text_keys=text_keys,
            full_refresh=full_refresh,
            restating=restatements.restating(manifest, built, known, window, self._settings, "upgrade"),
            selection=selection,
        )
        try:
            for _ in invoke(self._project, arguments):
                pass
        except DbtRunError as error:
            raise UpgradeError(
                f"These models could not be rebuilt; the upgrade goes on where it stopped, at the next run"
                f" or `retail-assets upgrade`:\n{error}"
            ) from None


def bring_up_to_date(settings: Settings, project: Project, warehouse: Warehouse, say: Say) -> None:
    """Upgrade the home if it is not of this version, and say what is done. Only inside `writing`."""
    upgrade = Upgrade(settings, project, warehouse)
    if not upgrade.is_needed():
        return
    try:
        with warehouse.session() as execute:
            plan = upgrade.plan(execute)
        for line in plan.lines():
            say(f"Upgrade: {line}")
        upgrade.carry_out(plan)
    except UserError as error:
        raise dg.Failure(str(error), allow_retries=False) from None


def _name(node: Mapping[str, Any]) -> str:
    return f"{node['schema']}.{node['name']}".lower()


def _window(partitions: dg.TimeWindowPartitionsDefinition, first: str, last: str) -> Window:
    start = partitions.time_window_for_partition_key(first).start
    end = partitions.time_window_for_partition_key(last).end
    return Window(start.astimezone(UTC), end.astimezone(UTC))


def _ranges(weeks: Sequence[str]) -> Iterator[tuple[str, str]]:
    """First and last of each span of weeks without a gap."""
    following = {week: (date.fromisoformat(week) + timedelta(days=7)).isoformat() for week in weeks}
    firsts = [week for week in weeks if week not in following.values()]
    lasts = [week for week in weeks if following[week] not in weeks]
    yield from zip(firsts, lasts, strict=True)
