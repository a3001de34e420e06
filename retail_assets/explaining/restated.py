"""What was reported of a past day, what became of it, and which source rows made it so."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from rich.console import Console

from retail_assets.catalog.project import Project
from retail_assets.errors import UserError
from retail_assets.explaining.changes import (
    changed_in,
    of_day,
    tables_behind,
    versions_of_changed,
)
from retail_assets.explaining.entries import Catalog
from retail_assets.explaining.explanation import Explanation, Format, Query, days_of, show
from retail_assets.explaining.versions import day_of, events_of
from retail_assets.ingestion.mapping import nearest
from retail_assets.quality.restatements import TABLE, Restated, restated_marts
from retail_assets.resources.sql import text
from retail_assets.resources.warehouse import warehouse_of
from retail_assets.settings import Settings, settings
from retail_assets.windows import midnight


@dataclass(frozen=True)
class Asked:
    """What of the record is asked for."""

    mart: str = ""
    day: date | None = None
    since: date | None = None
    """Only what became known on this day's morning or later."""
    as_of: date | None = None
    """As it was reported on the morning of this day."""
    rows: bool = False


def restatements(asked: Asked, format: Format, out: Console, notes: Console) -> None:
    """Print restatements, or what was reported on a morning."""
    catalog = Catalog(Project(settings()).manifest, settings())
    with warehouse_of(settings()).reading() as query:
        found = Record(catalog, settings(), query).answer(asked)
    show(found, format, out, notes)


class Record:
    """The record of restatements in the published copy."""

    def __init__(self, catalog: Catalog, settings: Settings, query: Query):
        self._catalog = catalog
        self._zone = settings.timezone
        self._query = query
        self._marts = {each.table: each for each in restated_marts(catalog.manifest).values()}

    def answer(self, asked: Asked) -> Explanation:
        """What is asked for. Raises `UserError` if a mart or a day is missing."""
        mart = self._mart(asked.mart) if asked.mart else None
        if mart and asked.day:
            self._refuse_other_days(mart, asked.day)
        if not (asked.as_of or asked.rows):
            return self._listed(mart, asked)
        if mart is None or asked.day is None:
            raise UserError("Say of which figures: --mart NAME and --day DATE.")
        found = self._reported(mart, asked.day, asked.as_of) if asked.as_of else Explanation()
        if asked.rows:
            self._rows(found, mart, asked.day)
        return found

    def _mart(self, name: str) -> Restated:
        for table, mart in self._marts.items():
            if name in (table, table.partition(".")[2]):
                return mart
        raise UserError(
            f"Of {name} no restatements are recorded{nearest(name, self._marts)}"
            f" These marts say that they are (meta.restated): {', '.join(sorted(self._marts))}."
        )

    def _refuse_other_days(self, mart: Restated, day: date) -> None:
        first, last = days_of(mart.table, mart.day, mart.where, self._query)
        if not first <= day <= last:
            raise UserError(f"{mart.table} has no {day}. Its days are {first} to {last}.")

    def _recorded(self, mart: Restated | None, day: date | None) -> list[dict[str, Any]]:
        """Rows of the record, in the order in which they became known."""
        there = self._query(
            "select table_name from information_schema.tables"
            f" where lower(table_schema || '.' || table_name) = '{TABLE}'"
        )
        if not there.num_rows:
            return []
        where = [f"mart = {text(mart.table)}"] if mart else []
        where += [f"figure_day = cast('{day}' as date)"] if day else []
        found: list[dict[str, Any]] = self._query(
            f"select * from {TABLE} where {' and '.join(where) or 'true'}"
            " order by known_at, recorded_at, mart, figure_day, measure"
        ).to_pylist()
        return found

    def _listed(self, mart: Restated | None, asked: Asked) -> Explanation:
        since = self._morning(asked.since or date(1900, 1, 1))
        rows = [each for each in self._recorded(mart, asked.day) if each["known_at"] >= since]
        days = {each["figure_day"] for each in rows}
        marts = {each["mart"] for each in rows}
        of_days = "1 past day" if len(days) == 1 else f"{len(days):,} past days"
        told = (
            f"{len(rows):,} figures of {of_days} became others, in {len(marts)} of the marts."
            if rows
            else "No figure of a past day became another."
        )
        found = Explanation([told])
        found.add(
            "restatements",
            [
                {
                    # On the morning after the newest day that was known.
                    "morning": day_of(each["known_at"], self._zone),
                    "mart": each["mart"],
                    "day": each["figure_day"],
                    "measure": each["measure"],
                    "was": each["was"],
                    "became": each["became"],
                    "keys": each["affected_keys"],
                    "such as": "(the whole table was rebuilt)" if each["is_rebuild"] else each["examples"],
                    "run": each["run_id"],
                }
                for each in reversed(rows)
            ],
            "Figures that became others, the newest first",
        )
        return found

    def _reported(self, mart: Restated, day: date, as_of: date) -> Explanation:
        """The first thing that became of a figure after a morning says what it was on that morning."""
        if as_of <= day:
            raise UserError(f"On the morning of {as_of} {day} was not over. Ask for a later morning.")
        morning = self._morning(as_of)
        later: dict[str, Any] = {}
        for each in self._recorded(mart, day):
            if each["known_at"] > morning:
                later.setdefault(each["measure"], each)
        sums = ", ".join(f"sum({name}) as {name}" for name in mart.measures)
        (now,) = self._query(
            f"select {sums} from {mart.table} where {mart.day} = cast('{day}' as date) and {mart.where}"
        ).to_pylist()
        lines = []
        for name in mart.measures:
            was = later[name]["was"] if name in later else now[name]
            first = day_of(later[name]["known_at"], self._zone) if name in later else None
            lines.append({"measure": name, "reported": was, "now": now[name], "changed on": first})
        changed = len(later)
        found = Explanation(
            [
                f"{mart.table} of {day}, as it was on the morning of {as_of}:"
                f" {f'{changed} of {len(lines)} figures became others later' if changed else 'as it is now'}."
            ]
        )
        found.add("reported", lines, f"{mart.table} of {day}")
        return found

    def _rows(self, found: Explanation, mart: Restated, day: date) -> None:
        """What changed of the source rows, in the windows of the runs that restated the day."""
        recorded = self._recorded(mart, day)
        windows = sorted({(each["window_start"], each["window_end"]) for each in recorded})
        if not windows:
            found.sentences.append(f"No figure of {mart.table} of {day} became another.")
            return
        changed = changed_in(windows)
        days = [(day_of(start, self._zone), day_of(end, self._zone) or date.max) for start, end in windows]
        upstream = tables_behind(self._catalog, [mart.unique_id], self._query)
        told: set[str] = set()
        lines: list[dict[str, Any]] = []
        for staged, condition in of_day(self._catalog, upstream, day):
            told.add(staged.name)
            rows = versions_of_changed(staged, changed, condition, self._query)
            lines += [
                {**event.line, "loaded_at": event.loaded_at}
                for event in events_of(staged, rows, (), self._zone)
                if event.day and any(first and first <= event.day < end for first, end in days)
            ]
        # Of long lists only the beginning is shown: the tables with the most changes come first.
        counts = Counter(str(line["table"]) for line in lines)
        lines.sort(key=lambda line: (-counts[line["table"]], line["table"], line["day"], line["key"]))
        others = {
            each.name: self._query(f"select count(*) as n from {each.raw} where {changed}").to_pylist()[0][
                "n"
            ]
            for each in upstream
            if each.name not in told
        }
        of_tables = ", ".join(f"{count:,} of {name}" for name, count in counts.most_common())
        found.sentences.append(
            f"{len(lines):,} changes of source rows of {day} came with the runs that restated it"
            f"{f': {of_tables}' if lines else ''}."
        )
        found.add("source rows", lines, f"What changed of the rows of {day}")
        # Such as a product's cost, of which no row names a day.
        found.add(
            "other tables",
            [{"table": name, "versions": count} for name, count in sorted(others.items()) if count],
            f"Other tables that {mart.table} is made of, and changed in the same windows",
        )

    def _morning(self, day: date) -> datetime:
        return midnight(day, self._zone).replace(tzinfo=None)
