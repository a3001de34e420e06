"""Which days a home was built with: where the retailer's days begin, in which time zone, and the sources'.

Kept in the warehouse, so that it is true of what is there. With other days, hours would be left out between
the old midnight and the new one, or counted twice; so nothing is run until all days are rebuilt.
"""

from collections.abc import Mapping

from retail_assets.errors import UserError
from retail_assets.resources.warehouse import Execute
from retail_assets.settings import PREFIX, Settings

SCHEMA = "deployment"
TABLE = f"{SCHEMA}.days"
ZONES = f"{SCHEMA}.source_zones"


def refuse_other_days(
    settings: Settings, execute: Execute, *, last_day: str, is_rebuild: bool = False
) -> None:
    """Raise `UserError` if the home was built with other days; remember them if it has none yet.

    A run that rebuilds all days is let through.
    """
    known = days_of(execute)
    if known is None:
        remember_days(settings, execute)
    elif not is_rebuild:
        compare_days(settings, known, last_day)


def compare_days(settings: Settings, known: tuple[str, str], last_day: str) -> None:
    """Raise `UserError` if the settings are not the first day and time zone that a home was built with."""
    changed = [
        f"{PREFIX}{name} was {before} when this home was built, and is {now}"
        for name, before, now in zip(("START_DATE", "TIMEZONE"), known, _days(settings), strict=True)
        if before != now
    ]
    if changed:
        raise UserError(
            f"{' and '.join(changed)}: the retailer's days would be others than those that are there, and"
            " hours be left out or counted twice. Nothing was changed. Set it back, or rebuild all days with"
            f" it: `retail-assets backfill --from {settings.start_date} --to {last_day} --full-refresh`, and"
            " then the same with `--weekly` in place of `--full-refresh`."
        )


def remember_days(settings: Settings, execute: Execute) -> None:
    """The home is built with these days."""
    start, zone = _days(settings)
    execute(f"create schema if not exists {SCHEMA}")
    execute(f"create or replace table {TABLE} as select '{start}' as start_date, '{zone}' as timezone")


def refuse_other_zone(settings: Settings, execute: Execute, system: str) -> None:
    """Raise `UserError` if a system's times were read in another zone before; remember the zone otherwise.

    Raw keeps all versions of a row by its time of change: of two zones, the older one might count.
    """
    execute(f"create schema if not exists {SCHEMA}")
    execute(f"create table if not exists {ZONES} (system varchar, timezone varchar)")
    known = zones_of(execute)
    compare_zone(settings, known, system)
    if system not in known:
        execute(f"insert into {ZONES} values ('{system}', '{settings.source_timezone(system)}')")


def compare_zone(settings: Settings, known: Mapping[str, str], system: str) -> None:
    """Raise `UserError` if a system's zone is not the `known` one."""
    zone = settings.source_timezone(system)
    if known.get(system, zone) != zone:
        raise UserError(
            f"{PREFIX}{system.upper()}_TIMEZONE was {known[system]} when rows of the {system} were loaded,"
            f" and is {zone}: times of two zones would be mixed. Nothing of it was loaded. Set it back, or"
            f" build a new home with it ({PREFIX}HOME)."
        )


def zones_of(execute: Execute) -> Mapping[str, str]:
    """The zone that each system's rows were loaded with, as far as anything is known of it."""
    return dict(execute(f"select system, timezone from {ZONES}")) if _is_there(execute, ZONES) else {}


def days_of(execute: Execute) -> tuple[str, str] | None:
    """First day and time zone that the home was built with; None if nothing is known of it."""
    rows = execute(f"select start_date, timezone from {TABLE}") if _is_there(execute, TABLE) else []
    return (rows[0][0], rows[0][1]) if rows else None


def _is_there(execute: Execute, table: str) -> bool:
    return bool(
        execute(
            "select 1 from information_schema.tables"
            f" where lower(table_schema) || '.' || lower(table_name) = '{table}'"
        )
    )


def _days(settings: Settings) -> tuple[str, str]:
    return settings.start_date.isoformat(), settings.timezone
