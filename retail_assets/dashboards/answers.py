"""Asking the warehouse what a page shows."""

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import SandboxedEnvironment

from retail_assets.dashboards.pages import Chart, Figure, Page, PageError
from retail_assets.dashboards.period import Choice, choice
from retail_assets.quality.table_states import TABLE
from retail_assets.resources.sql import text
from retail_assets.resources.warehouse import WarehouseError

if TYPE_CHECKING:
    import pyarrow as pa

Query = Callable[[str], "pa.Table"]
Reading = Callable[[], AbstractContextManager[Query]]
"""A context in which all queries see the same state of the warehouse."""

NOT_BUILT = "This has not been built: the system that it needs is not ingested, or no run has made it yet."
_SQL = SandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
# Not of `quality`, in which runs keep their records.
_RELATION = re.compile(r"\b(mart_\w+|warehouse|staging)\.(\w+)", re.IGNORECASE)


@dataclass(frozen=True)
class Answer:
    """Rows, and the SQL that gave them. `problem` says why there are none."""

    sql: str
    table: "pa.Table | None" = None
    problem: str = ""

    @cached_property
    def rows(self) -> Sequence[Mapping[str, Any]]:
        """The rows as Python values."""
        return self.table.to_pylist() if self.table is not None else ()

    @property
    def columns(self) -> Sequence[str]:
        return self.table.column_names if self.table is not None else ()


@dataclass(frozen=True)
class Shown:
    """A figure, beside the period before and a year before. Null is unknown, not 0."""

    figure: Figure
    value: Any
    before: Any
    year_before: Any
    is_of_days: bool = True
    """Whether it is of the chosen days, or as things stand: then there is nothing to compare it with."""


@dataclass(frozen=True)
class State:
    """How current a table is that the page reads."""

    table: str
    state: str
    as_of: date | None
    since: datetime | None
    """The start of the first window that was built, in UTC."""
    why: str | None


@dataclass(frozen=True)
class Content:
    """All that one page shows."""

    page: Page
    choice: Choice
    options: Mapping[str, Sequence[str]]
    figures: Sequence[Shown]
    figures_answer: Answer | None
    charts: Sequence[tuple[Chart, Answer]]
    states: Sequence[State]
    descriptions: Mapping[str, str]
    """Of columns, by name."""

    @property
    def as_of(self) -> date | None:
        """The last day that is whole in everything that the page reads."""
        return min((state.as_of for state in self.states if state.as_of), default=None)

    @property
    def is_built(self) -> bool:
        """Whether there is anything to show."""
        answers = [answer for _, answer in self.charts]
        answers += [self.figures_answer] if self.figures_answer else []
        return any(not answer.problem for answer in answers)

    @property
    def behind(self) -> Sequence[State]:
        """The tables that are not as they should be."""
        return [state for state in self.states if state.state != "current"]


def content(page: Page, address: Mapping[str, Sequence[str]], query: Query, comments: str) -> Content:
    """What a page shows to a reader. A query that fails leaves the others standing.

    `comments` is the warehouse's query for the descriptions of its columns.
    """
    tables = tables_of(page)
    chosen, options, states = chosen_of(page, address, query)
    figures, answer = _figures(page, chosen, _history(states), query)
    charts = [(chart, ask(chart.sql, page, chosen, query)) for chart in page.charts]
    described = _descriptions(tables, query, comments)
    return Content(page, chosen, options, figures, answer, charts, states, described)


def chosen_of(
    page: Page, address: Mapping[str, Sequence[str]], query: Query
) -> tuple[Choice, Mapping[str, Sequence[str]], Sequence[State]]:
    """What a reader has chosen, what they can choose, and how current the page's tables are."""
    known = states_of(query)
    states = [known[table] for table in tables_of(page) if table in known]
    options = {name: _options(each.options, query) for name, each in page.filters.items()}
    # Tables that Python makes have no state: then it is the newest day of any table. Without any nothing was
    # built, and the period does not matter.
    days = [state.as_of for state in states or known.values() if state.as_of]
    newest = max(days, default=date(2000, 1, 1))
    return choice(page, newest, address, options), options, states


def ask(sql: str, page: Page, chosen: Choice, query: Query) -> Answer:
    """The rows of one query of a page."""
    written = rendered(sql, page, chosen)
    try:
        return Answer(written, query(written))
    except WarehouseError as error:
        return Answer(written, problem=_plain(str(error)))


def rendered(sql: str, page: Page, chosen: Choice) -> str:
    """The SQL of a choice, as it can be run anywhere. Raises `PageError` if it cannot be made."""

    def days(column: str) -> str:
        return f"{column} >= date '{chosen.first}' and {column} < date '{chosen.end}'"

    def among(name: str, column: str = "") -> str:
        if name not in page.filters:
            raise PageError(f"{page.name}.yml has no filter {name}.")
        values = chosen.chosen.get(name, ())
        listed = ", ".join(text(value) for value in values)
        return f"{column or page.filters[name].column} in ({listed})" if values else "true"

    def ratio(dividend: str, divisor: str) -> str:
        # In doubles, which both engines divide alike; null where nothing is divided by.
        return f"cast({dividend} as double) / nullif(cast({divisor} as double), 0)"

    def ago(days: int) -> str:
        return f"date '{chosen.last - timedelta(days=days)}'"

    try:
        return (
            _SQL.from_string(sql)
            .render(
                days=days,
                among=among,
                ago=ago,
                ratio=ratio,
                first=f"date '{chosen.first}'",
                last=f"date '{chosen.last}'",
                end=f"date '{chosen.end}'",
                number_of_days=chosen.days,
            )
            .strip()
        )
    except TemplateError as error:
        raise PageError(f"{page.name}.yml: {error}") from None


def tables_of(page: Page) -> Sequence[str]:
    """The tables that a page's queries name, with their schemas; records of runs are none."""
    return sorted({found.group(0).lower() for sql in page.queries for found in _RELATION.finditer(sql)})


def _figures(
    page: Page, chosen: Choice, history: date | None, query: Query
) -> tuple[Sequence[Shown], Answer | None]:
    """The figures, with those of days before where all of these days are in the tables since `history`."""
    if not page.figures:
        return (), None
    answer = ask(page.figures.sql, page, chosen, query)
    rows: list[Mapping[str, Any]] = [answer.rows[0] if answer.rows else {}]
    is_of_days = rendered(page.figures.sql, page, chosen.before(page)) != answer.sql
    for then in (chosen.before(page), chosen.year_before):
        is_whole = history is not None and then.first >= history
        found = ask(page.figures.sql, page, then, query).rows if is_whole and is_of_days else ()
        rows.append(found[0] if found else {})
    now, before, year_before = rows
    shown = [
        Shown(each, now.get(each.column), before.get(each.column), year_before.get(each.column), is_of_days)
        for each in page.figures.show
    ]
    return shown, answer


def _history(states: Sequence[State]) -> date | None:
    """From which day on all tables have all days. A window that starts within a UTC day has it."""
    since = [state.since for state in states if state.since]
    return max(since).date() if since else None


def states_of(query: Query) -> Mapping[str, State]:
    """The states of all tables, by name; none before the first run."""
    try:
        rows = query(f"select table_name, state, as_of, applied_from, why from {TABLE}")
    except WarehouseError:
        return {}
    return {row["table_name"]: State(*row.values()) for row in rows.to_pylist()}


def comments_of(query: Query, comments: str) -> Mapping[tuple[str, str], str]:
    """What the warehouse says of tables and columns, by both names; of a table itself by ''."""
    rows = (tuple(row.values()) for row in query(comments).to_pylist())
    return {
        (f"{schema}.{table}".lower(), (column or "").lower()): said
        for schema, table, column, said in rows
        if said
    }


def _options(sql: str, query: Query) -> Sequence[str]:
    try:
        table = query(sql)
    except WarehouseError:
        return ()
    return [str(value) for value in table.column(0).to_pylist() if value is not None]


def _descriptions(tables: Sequence[str], query: Query, comments: str) -> Mapping[str, str]:
    """What columns are. Of a name that several tables have, the first."""
    described: dict[str, str] = {}
    for (table, column), said in comments_of(query, comments).items():
        if column and table in tables:
            described.setdefault(column, said)
    return described


def _plain(error: str) -> str:
    if "does not exist" in error:
        return NOT_BUILT
    return error.splitlines()[0]
