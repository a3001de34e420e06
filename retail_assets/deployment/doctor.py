"""Whether the deployment can work, one line for each thing it needs."""

from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Any

from rich.console import Console
from rich.text import Text

from retail_assets.catalog.contract import NOTHING_LOST
from retail_assets.resources.terminal import lines
from retail_assets.settings import PREFIX, SYSTEMS, settings

NAMES_SHOWN = 12


def diagnose(console: Console) -> bool:
    """Print a line per check; True if all is well. Nothing is changed."""
    checks: dict[str, Callable[[], str]] = {
        "settings": _settings,
        "version": _version,
        **{f"source {system}": _source(system) for system in SYSTEMS},
        "dbt project": _project,
        "warehouse": _warehouse,
        **({"roles": _roles} if settings().warehouse == "snowflake" else {}),
        "alerts": _alerts,
    }
    results = [_shown(console, name, check) for name, check in checks.items()]
    return all(results)


def _shown(console: Console, name: str, check: Callable[[], str]) -> bool:
    try:
        console.print(Text("ok    ", "green") + lines(f"{name}: {check()}"), highlight=False)
        return True
    except Exception as error:
        console.print(Text("wrong ", "red") + lines(f"{name}: {str(error).strip()}"), highlight=False)
        return False


def _settings() -> str:
    from retail_assets.partitions import daily_partitions

    newest = daily_partitions(settings()).get_last_partition_key()
    if newest is None:
        raise ValueError(
            f"{PREFIX}START_DATE is {settings().start_date}: no day is over since then. Set an earlier one."
        )
    home = settings().home
    opened = home.exists() and home.stat().st_mode & 0o077
    others = f"; others on this machine can look into the home: `chmod 700 {home}`" if opened else ""
    return f"home {home}, days {settings().start_date} to {newest} in {settings().timezone}{others}"


def _version() -> str:
    from retail_assets.catalog.project import Project
    from retail_assets.deployment.days import compare_days, compare_zone, days_of, zones_of
    from retail_assets.deployment.upgrade import Upgrade, package_version
    from retail_assets.partitions import daily_partitions
    from retail_assets.resources.warehouse import warehouse_of
    from retail_assets.resources.weeks import rows_of

    warehouse = warehouse_of(settings())
    if settings().warehouse == "duckdb" and not settings().published_path.exists():
        return f"{package_version()}; the home is new"
    newest = daily_partitions(settings()).get_last_partition_key()
    execute = partial(rows_of, warehouse.query)
    known = days_of(execute)
    if known and newest:
        compare_days(settings(), known, newest)
    zones = zones_of(execute)
    for system in settings().systems:
        compare_zone(settings(), zones, system)
    plan = Upgrade(settings(), Project(settings()), warehouse).published_plan()
    writer = f"written by {plan.written_by}" if plan.written_by else "from before homes said what wrote them"
    if not plan:
        return f"{package_version()}; the home is {writer}, and up to date"
    todo = "\n".join(f"      - {line}" for line in plan.lines(names=False))
    return (
        f"{package_version()}; the home is {writer}. The next run, or `retail-assets upgrade`, will do this"
        f" (`--dry-run` has the names):\n{todo}"
    )


def _source(system: str) -> Callable[[], str]:
    def check() -> str:
        from retail_assets.catalog.contract import source_tables
        from retail_assets.catalog.project import Project
        from retail_assets.ingestion.errors import SourceError, SourceUnreachableError
        from retail_assets.ingestion.extraction import Extraction
        from retail_assets.ingestion.lost_tables import lost
        from retail_assets.ingestion.sources import open_source
        from retail_assets.windows import Window

        if system not in settings().systems:
            return f"not ingested; it costs nothing. Add it to {PREFIX}SOURCES to change that"
        tables = source_tables(Project(settings()).manifest, system)
        source = open_source(settings(), tables)
        # Columns are looked at, and each table is asked for none of its rows.
        seen = Extraction(source, Window(settings().beginning, settings().beginning))
        seen.locate(source.tables)
        for table in source.tables:
            if table.name in seen.found and not seen.found[table.name].missing:
                try:
                    source.probe(table)
                except SourceUnreachableError:
                    raise
                except SourceError as error:
                    seen.errors[table.name] = str(error)
        seen.errors.update(lost(source, source.tables, seen.located, _published))
        lacking = [
            f"{each.place} has no column {', '.join(column.name for column in each.missing)}"
            for each in seen.found.values()
            if each.missing
        ]
        problems = [*seen.errors.values()]
        if lacking:
            setting = f"{PREFIX}{system.upper()}_MAPPING"
            problems.append(f"{'; '.join(lacking)}. Name the columns in a mapping ({setting})")
        misnamed = [
            source.absence(table)
            for table in source.tables
            if table.name not in seen.found and source.is_expected(table)
        ]
        if misnamed:
            problems += [*misnamed, f"What is there: {_listed(source.relations())}"]
        elif not seen.found and not problems:
            problems.append(
                f"none of its {len(tables)} tables is there. What is there: {_listed(source.relations())}."
                f" Check {PREFIX}{system.upper()}_URL, or say in a mapping what is what:"
                f" `retail-assets init {system}` proposes one"
            )
        if problems:
            raise ValueError("\n".join(problems))
        absent = [
            table.source_table
            for table in source.tables
            if table.name not in seen.found and source.mapping.covers(table) and not table.is_optional
        ]
        costly = sum(
            len(columns)
            for each in seen.found.values()
            for loss, columns in each.lost.items()
            if not loss.startswith(NOTHING_LOST)
        )
        columns = (
            "1 column that would tell something is"
            if costly == 1
            else f"{costly} columns that would tell something are"
        )
        return "; ".join(
            [
                f"{len(seen.found)} of {len(tables)} tables",
                *([f"by {source.mapping.path}"] if source.mapping.path else []),
                *([f"not there and taken as empty: {', '.join(absent)}"] if absent else []),
                *(
                    [f"{columns} not there: `retail-assets inspect {system}` says what is lost"]
                    if costly
                    else []
                ),
            ]
        )

    return check


def _published(statement: str) -> Sequence[tuple[Any, ...]]:
    """What readers see of the warehouse; nothing, where that cannot be asked: its own line says why."""
    from retail_assets.resources.warehouse import WarehouseError, warehouse_of
    from retail_assets.resources.weeks import rows_of

    try:
        return rows_of(warehouse_of(settings()).query, statement)
    except WarehouseError:
        return []


def _listed(names: Collection[str]) -> str:
    more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
    return ", ".join(sorted(names)[:NAMES_SHOWN]) + more or "nothing that can be read"


def _project() -> str:
    from retail_assets.catalog.project import Project

    nodes = Project(settings()).manifest["nodes"].values()
    return f"{sum(node['resource_type'] == 'model' for node in nodes)} models"


def _warehouse() -> str:
    from retail_assets.resources.warehouse import warehouse_of

    return f"{settings().warehouse}, {warehouse_of(settings()).check()}"


def _roles() -> str:
    from retail_assets.catalog.project import Project
    from retail_assets.deployment.snowflake_grants import check_roles
    from retail_assets.resources.warehouse import warehouse_of

    return check_roles(settings(), Project(settings()).manifest, warehouse_of(settings()))


def _alerts() -> str:
    from retail_assets.alerts.delivery import is_address
    from retail_assets.alerts.routes import destinations, routes

    known = destinations(settings())
    unknown = sorted(name for name, urls in known.items() if not all(map(is_address, urls)))
    if unknown:
        raise ValueError(
            f"{PREFIX}ALERT_URLS: Apprise knows no such address as that of {', '.join(unknown)}."
            " https://appriseit.com/services/ lists them; a plain webhook is json:// or jsons://."
        )
    routes(settings())
    if not known:
        return f"only in `retail-assets alerts list`; set {PREFIX}ALERT_URLS to have them sent"
    return f"to {', '.join(sorted(known))}; `retail-assets alerts test` sends each a message"
