"""Pages as HTML. Whatever comes from data is text: Jinja escapes it, and so does JSON within the page."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from retail_assets.catalog.project import Project
from retail_assets.dashboards.answers import Answer, Content, Query
from retail_assets.dashboards.dictionary import NAME, TITLE, metrics, tables
from retail_assets.dashboards.pages import Chart, Page
from retail_assets.dashboards.period import Choice
from retail_assets.resources.tables import spreadsheet_csv
from retail_assets.settings import Settings

HERE = Path(__file__).parent
STATIC = HERE / "static"
MOST_ROWS = 500
"""So many rows of a table are on the page; its CSV has all."""


@dataclass(frozen=True)
class Site:
    """How all pages look. `is_served`: there is a server to ask with other days and filters."""

    pages: Sequence[Page]
    locale: str
    currency: str
    is_served: bool
    project: Project

    def page(self, content: Content) -> str:
        """The HTML of a page."""
        return self._render("page.html", page=content.page, content=content)

    def dictionary(self, query: Query, comments: str) -> str:
        """The HTML of the data dictionary. `comments` is the warehouse's query for descriptions."""
        manifest = self.project.manifest
        shown = tables(query, comments, manifest)
        return self._render(
            "dictionary.html",
            page=None,
            title=TITLE,
            tables=shown,
            metrics=metrics(manifest, shown),
            is_dictionary=True,
        )

    def message(self, title: str, text: str) -> str:
        """The HTML of a page that has only a sentence."""
        return self._render("message.html", page=None, title=title, text=text)

    def _render(self, name: str, **values: Any) -> str:
        return _TEMPLATES.get_template(name).render(
            site=self,
            address=address_of,
            link=self.link,
            csv_link=self._csv_link,
            dictionary=f"/{NAME}" if self.is_served else f"{NAME}.html",
            **{"is_dictionary": False, **values},
        )

    def link(self, page: Page, choice: Choice | None = None) -> str:
        """Where a page is, with what is chosen."""
        if not self.is_served:
            return f"{page.name}.html"
        return f"/{page.name}" + (f"?{address_of(choice)}" if choice else "")

    def _csv_link(self, page: Page, number: int, choice: Choice) -> str:
        if not self.is_served:
            return f"{page.name}-{number}.csv"
        return f"/{page.name}/{number}.csv?{address_of(choice)}"


def site_of(settings: Settings, pages: Sequence[Page], *, is_served: bool) -> Site:
    """The site as the settings have it."""
    return Site(pages, settings.locale, settings.currency, is_served, Project(settings))


def address_of(choice: Choice) -> str:
    """A choice as the query of an address."""
    chosen = [(name, value) for name, values in choice.chosen.items() for value in values]
    return urlencode([("from", choice.first), ("to", choice.last), *chosen])


def as_csv(answer: Answer) -> bytes:
    """All rows, for a spreadsheet; nothing if the query failed."""
    return spreadsheet_csv(answer.table) if answer.table is not None else b""


def _json(value: Any) -> Markup:
    """JSON that may stand in a script: it cannot end the element."""
    written = json.dumps(value, default=_plain).replace("<", "\\u003c").replace("\u2028", "\\u2028")
    return Markup(written)  # no HTML in it, by the line above


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        # A picture has fewer digits than a double; figures and tables are written from the decimal itself.
        return float(value)
    if isinstance(value, date | datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is not shown")


def _drawn(chart: Chart, answer: Answer) -> Mapping[str, Any]:
    """What the browser needs to draw a chart."""
    wanted = {chart.x, chart.series, *chart.y} - {""}
    return {
        "kind": chart.kind,
        "title": chart.title,
        "x": chart.x,
        "y": list(chart.y),
        "series": chart.series,
        "formats": dict(chart.formats),
        "absent": chart.absent,
        "rows": [{name: value for name, value in row.items() if name in wanted} for row in answer.rows],
    }


def _change(format: str, now: Any, then: Any) -> float | None:
    """The change of a figure, as a share of what it was, or of a share in percentage points.

    None where what it was is unknown, or 0 of something that is no share.
    """
    if now is None or then is None:
        return None
    difference = Decimal(str(now)) - Decimal(str(then))
    if format == "share":
        return float(difference * 100)
    return float(difference / abs(Decimal(str(then)))) if then else None


def _earlier(page: Page) -> str:
    """What the period before is called."""
    if page.before is None:
        return "the days before"
    return "a week before" if page.before == 7 else f"{page.before} days before"


def _exact(value: Any) -> str:
    """A number digit by digit, for the browser to format; a text as it is."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


_TEMPLATES = Environment(
    loader=FileSystemLoader(HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.filters.update(json=_json, exact=_exact)
_TEMPLATES.globals.update(change=_change, earlier=_earlier, drawn=_drawn, most_rows=MOST_ROWS)
_TEMPLATES.tests["numeric"] = lambda value: (
    isinstance(value, int | float | Decimal) and not isinstance(value, bool)
)
