"""`retail-assets inspect`: a preview of what the first run would do with every row of the sources.

The sources are read by the real ingestion, and their rows judged by the real staging, in a temporary DuckDB.
So the preview is what the run will do. Nothing is sampled.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date

from rich.console import Console

from retail_assets.catalog.contract import SourceTable, source_tables
from retail_assets.catalog.project import Project
from retail_assets.cli.progress import Display, progress
from retail_assets.errors import UserError
from retail_assets.ingestion.mapping import nearest
from retail_assets.ingestion.raw_tables import create_raw_tables
from retail_assets.ingestion.sources import open_source
from retail_assets.ingestion.urls import shown
from retail_assets.inspection import raw_rows
from retail_assets.inspection.findings import Finding, Inspection, Level, SystemFindings, TableFindings
from retail_assets.inspection.judging import Judgement, judge, models_to_judge
from retail_assets.inspection.reading import Reading, read_system
from retail_assets.inspection.scratch import scratch_home
from retail_assets.partitions import daily_partitions, days_between
from retail_assets.quality.source_contract import Kind, Problem, costs, problems_of
from retail_assets.resources.warehouse import DuckDBWarehouse, Execute
from retail_assets.settings import PREFIX, SYSTEMS, Settings
from retail_assets.transformation.runner import DbtRunError
from retail_assets.windows import Window

JUDGING = "staging's rules"

_LEVELS: Mapping[Kind, Level] = {
    "absent": "note",
    "expected": "loss",
    "columns": "note",
    "file": "loss",
    "unfinished": "loss",
    "doubtful": "look",
    "refused": "loss",
    "duplicate": "loss",
    "repeated": "look",
    "unbelievable": "look",
    "missing": "look",
    "gone": "look",
}


def inspect_sources(
    settings: Settings, systems: Sequence[str], days: tuple[date, date] | None, console: Console
) -> Inspection:
    """Inspect some systems, or all that are ingested, for some days, or all: first and last, both included.

    Progress is shown on the console. No files remain. Raises `UserError` for impossible systems or days.
    """
    systems = _chosen(settings, systems)
    first, last, window = _range(settings, days)
    found = Inspection(first, last, settings.timezone)
    with scratch_home(settings) as scratch:
        project, warehouse = Project(scratch), DuckDBWarehouse(scratch)
        if not project.target_path.exists():
            console.print("Preparing the rules of staging, which takes some seconds", style="dim")
        contract = {system: source_tables(project.manifest, system) for system in SYSTEMS}
        parts = {system: len(contract[system]) for system in systems}
        parts[JUDGING] = len(models_to_judge(project.manifest))
        readings: dict[str, Reading] = {}
        with progress(console, parts) as display, warehouse.writing(say=lambda _: None):
            for system in systems:
                place, mapping = shown(settings.source_url(system)), settings.source_mapping(system)
                said = SystemFindings(system, place, mapping)
                found.systems.append(said)
                display.started(system)
                try:
                    source = open_source(settings, contract[system])
                    readings[system] = read_system(
                        source, window, settings.timezone, warehouse, scratch.home / "dlt", display
                    )
                    display.ended(system, "read")
                except UserError as error:
                    said.error = str(error)
                    display.ended(system, "not read")
            judgement = _judged(scratch, project, warehouse, window, contract, readings, display, found)
            with warehouse.session() as execute:
                for said in found.systems:
                    if said.name in readings:
                        look = _Look(settings, window, readings, judgement, execute)
                        said.tables = [look.at(readings[said.name], each) for each in contract[said.name]]
    return found


def _chosen(settings: Settings, systems: Sequence[str]) -> Sequence[str]:
    for system in systems:
        if system not in SYSTEMS:
            raise UserError(f"There is no system {system}{nearest(system, SYSTEMS)}")
        if system not in settings.systems:
            raise UserError(f"{system} is not ingested. Add it to {PREFIX}SOURCES.")
    return [each for each in settings.systems if each in systems or not systems]


def _range(settings: Settings, days: tuple[date, date] | None) -> tuple[date, date, Window]:
    partitions = daily_partitions(settings)
    keys = partitions.get_partition_keys()
    if not keys:
        raise UserError(
            f"{PREFIX}START_DATE is {settings.start_date}: no day is over since then. Set an earlier one."
        )
    chosen = days_between(keys, *days) if days else keys
    start, end = (partitions.time_window_for_partition_key(chosen[each]) for each in (0, -1))
    window = Window(start.start.astimezone(UTC), end.end.astimezone(UTC))
    return date.fromisoformat(chosen[0]), date.fromisoformat(chosen[-1]), window


def _judged(
    scratch: Settings,
    project: Project,
    warehouse: DuckDBWarehouse,
    window: Window,
    contract: Mapping[str, Sequence[SourceTable]],
    readings: Mapping[str, Reading],
    display: Display,
    found: Inspection,
) -> Judgement:
    """The result of staging's rules. If a model fails, the other findings are still reported."""
    if not readings:
        return Judgement()
    with warehouse.session() as execute:
        for system in SYSTEMS:
            if system not in readings:
                create_raw_tables(contract[system], execute)
    display.started(JUDGING)
    try:
        judgement = judge(scratch, project, warehouse, window, lambda model: display.done(JUDGING, model))
    except DbtRunError as error:
        found.error = f"Staging could not judge the rows, so that quarantine is not known:\n{error}"
        display.ended(JUDGING, "failed")
        return Judgement()
    display.ended(JUDGING, "done")
    return judgement


class _Look:
    """What there is to say of tables that were read and judged."""

    def __init__(
        self,
        settings: Settings,
        window: Window,
        readings: Mapping[str, Reading],
        judgement: Judgement,
        execute: Execute,
    ):
        self._settings = settings
        self._window = window
        self._judgement = judgement
        self._execute = execute
        self._loaded = {
            f"{system}.{name}": found.table
            for system, reading in readings.items()
            for name, found in reading.found.items()
            if name not in reading.errors
        }
        self._is_last = settings.end is not None and window.end >= settings.end

    def at(self, reading: Reading, table: SourceTable) -> TableFindings:
        """A table of the contract."""
        found = reading.found.get(table.name)
        said = TableFindings(table.name, found.place if found else None, reading.rows_read(table))
        if found:
            said.columns = [each.name for each in table.columns if each.name not in found.table.absent]
            said.missing = [each.name for each in table.columns if each.name in found.table.absent]
        if table.name in reading.errors:
            sentence = reading.errors[table.name].removeprefix(f"{table.system}: ")
            said.findings.append(Finding("loss", "unreadable", sentence))
        else:
            said.findings.extend(self._findings(reading, table))
        return said

    def _findings(self, reading: Reading, table: SourceTable) -> Iterator[Finding]:
        yield from (_of_problem(table, each) for each in problems_of(reading, table))
        found = reading.found.get(table.name)
        if found is None:
            for sentence in costs(reading.source, table, reading.found):
                yield Finding("note", "absent", sentence)
            return
        yield from self._judgements(f"{table.system}.{table.name}")
        yield from self._halves(f"{table.system}.{table.name}")
        yield from self._raw_rows(reading, found.table)
        for cost, columns in found.lost.items():
            names = ", ".join(columns)
            yield Finding("note", "column", f"no {names}: {cost}.", column=names)

    def _judgements(self, table: str) -> Iterator[Finding]:
        for held in self._judgement.quarantined:
            if held.table == table:
                example = self._judgement.examples.get((table, held.reason))
                yield Finding(
                    "loss",
                    "quarantine",
                    f"{raw_rows.counted(held.rows, held.amount)} in quarantine: {held.reason}"
                    f"{f', such as {example}' if example else ''}.",
                    held.rows,
                    held.amount,
                    reason=held.reason,
                    row=example,
                )
        for watched, unknown in self._judgement.unknown.get(table, ()):
            yield Finding(
                "loss",
                "status",
                f"{raw_rows.counted(unknown.rows, unknown.amount)} of the unknown {watched.words}"
                f" '{unknown.value}': no sales until the system's mapping says what they are.",
                unknown.rows,
                unknown.amount,
                watched.source_column,
                value=unknown.value,
            )

    def _halves(self, table: str) -> Iterator[Finding]:
        half = self._judgement.alone.get(table)
        # The other half may have come on other days.
        if half and self._is_from_the_first_day:
            level: Level = "loss" if half.half.is_line else "look"
            yield Finding(
                level, "half", half.sentence, half.rows, half.amount, half.half.key, row=half.example
            )

    @property
    def _is_from_the_first_day(self) -> bool:
        return self._window.start <= self._settings.beginning

    def _raw_rows(self, reading: Reading, table: SourceTable) -> Iterator[Finding]:
        settings, execute = self._settings, self._execute
        yield from raw_rows.outside(reading.source, table, self._window, reading.loaded_at, self._is_last)
        yield from raw_rows.times(table, settings.beginning, execute)
        zone = table.timezone or settings.source_timezone(table.system)
        says = "the mapping" if table.timezone else f"{PREFIX}{table.system.upper()}_TIMEZONE"
        yield from raw_rows.clock(
            reading.source, table, settings.timezone, f"{zone}, as {says} has it", reading.loaded_at, execute
        )
        yield from raw_rows.unnamed(table, execute)
        # What is referred to may have come on other days.
        if self._is_from_the_first_day:
            yield from raw_rows.unmatched(table, self._loaded, execute)


def _of_problem(table: SourceTable, problem: Problem) -> Finding:
    sentence = problem.sentence.removeprefix(f"{table.system}: ")
    if problem.example and problem.rows:
        such_as = "such as " if problem.rows > 1 else ""
        sentence = f"{raw_rows.counted(problem.rows, problem.amount)} refused: {such_as}{problem.example}."
    return Finding(
        _LEVELS[problem.kind],
        problem.kind,
        sentence,
        problem.rows,
        problem.amount,
        problem.column,
        problem.reason,
        problem.value,
        problem.row,
    )
