"""Which days a home was built with: where the retailer's days begin, and in which time zone.

Kept in the warehouse, so that it is true of what is there. With other days, hours would be left out between
the old midnight and the new one, or counted twice; so nothing is run until all days are rebuilt.
"""

from retail_assets.errors import UserError
from retail_assets.resources.warehouse import Execute
from retail_assets.settings import PREFIX, Settings

SCHEMA = "deployment"
TABLE = f"{SCHEMA}.days"


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


def days_of(execute: Execute) -> tuple[str, str] | None:
    """First day and time zone that the home was built with; None if nothing is known of it."""
    there = execute(
        "select 1 from information_schema.tables"
        f" where lower(table_schema) = '{SCHEMA}' and lower(table_name) = 'days'"
    )
    rows = execute(f"select start_date, timezone from {TABLE}") if there else []
    return (rows[0][0], rows[0][1]) if rows else None


def _days(settings: Settings) -> tuple[str, str]:
    return settings.start_date.isoformat(), settings.timezone
