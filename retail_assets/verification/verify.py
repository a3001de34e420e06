"""Whether a Snowflake account holds what DuckDB makes of the same sources and days."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import dagster as dg

from retail_assets.automation.jobs import DAILY_JOB, WEEKLY_JOB
from retail_assets.definitions import definitions_of
from retail_assets.errors import UserError
from retail_assets.inspection.scratch import scratch_home
from retail_assets.partitions import days_between, range_tags, weeks_within
from retail_assets.resources.warehouse import Execute, warehouse_of
from retail_assets.settings import Settings
from retail_assets.verification.comparison import Difference, differences, tables_of

NAMES = ("DuckDB", "Snowflake")


@dataclass(frozen=True)
class Verification:
    """What came of a comparison."""

    tables: int
    differences: Sequence[Difference]


def verify(settings: Settings, first: date, last: date, *, weekly: bool) -> Verification:
    """Build the days, and the whole weeks among them, on DuckDB in a folder of its own, and compare all rows.

    Snowflake is only read. Raises `UserError` if it is not the warehouse, or if a run fails.
    """
    if settings.warehouse != "snowflake":
        raise UserError("The warehouse is DuckDB. Set RETAIL_ENVIRONMENT to the one to verify.")
    with warehouse_of(settings).session() as there:
        return compared(settings, there, first, last, weekly=weekly)


def compared(settings: Settings, there: Execute, first: date, last: date, *, weekly: bool) -> Verification:
    """What the session has, compared with the same days made on DuckDB."""
    # Where a source is not set, its place is in the home, which is another one there.
    places = {f"{system}_url": settings.source_url(system) for system in settings.systems}
    with scratch_home(settings.model_copy(update=places)) as scratch:
        _run(scratch, DAILY_JOB, first, last)
        if weekly:
            _run(scratch, WEEKLY_JOB, first, last)
        with warehouse_of(scratch).session() as here:
            found = list(differences(here, there, NAMES))
            return Verification(len({*tables_of(here), *tables_of(there)}), found)


def _run(scratch: Settings, name: str, first: date, last: date) -> None:
    job = definitions_of(scratch).resolve_job_def(name)
    assert job.partitions_def
    choose = days_between if name == DAILY_JOB else weeks_within
    keys = choose(job.partitions_def.get_partition_keys(), first, last)
    with dg.DagsterInstance.get() as instance:
        result = job.execute_in_process(
            instance=instance,
            raise_on_error=False,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            tags=range_tags(keys[0], keys[-1]),
        )
    if not result.success:
        failed = ", ".join(event.step_key or "" for event in result.get_step_failure_events())
        raise UserError(f"The run on DuckDB failed in {failed}. `retail-assets inspect` may say why.")
