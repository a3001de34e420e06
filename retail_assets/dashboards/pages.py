"""What a page shows: one YAML file beside the marts, so that an analyst can change it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from retail_assets.errors import UserError

FOLDER = "dashboards"

Format = Literal["money", "number", "share", "ratio", "text", "date"]
"""`share`: of 1, shown in percent. `ratio`: a plain fraction, such as ROAS."""


class PageError(UserError):
    """A page that cannot be read; the message says which file and what to do."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Filter(_Strict):
    """What a reader may choose, beside the days."""

    label: str
    column: str
    """The column that the choice is of, unless a query names another."""
    options: str
    """A query of one column: all that can be chosen."""


class Figure(_Strict):
    """One large number, from a column of the query of figures."""

    column: str
    title: str
    format: Format = "number"
    better: Literal["up", "down", ""] = "up"
    """Which way is good news: the change is coloured by it."""
    note: str = ""


class Figures(_Strict):
    """The large numbers at a page's top, from a query of one row. It is asked again for days before."""

    sql: str
    show: Sequence[Figure]


class Chart(_Strict):
    """A picture and its table, which have the same rows."""

    title: str
    kind: Literal["line", "bar", "stack", "heat", "map", "table"]
    sql: str
    description: str = ""
    x: str = ""
    """Along the axis. Of a map the longitude, of `heat` the columns."""
    y: Sequence[str] = ()
    """The values. Of a map the latitude and then the size, of `heat` the rows and then the value."""
    series: str = ""
    """A column that splits the values into lines or bars of their own."""
    absent: int | None = None
    """What a value is of which there is no row, such as 0 sales on a day; a gap without it."""
    formats: Mapping[str, Format] = {}
    """By column; what is not named is shown as it is."""
    wide: bool = False
    empty: str = "Nothing in these days."
    """What is said if there are no rows."""


class Page(_Strict):
    """One page. At first it shows `days` days; the period before is `before` days back, or next to it."""

    name: str = ""
    title: str
    order: int
    description: str
    owner: str
    days: int = Field(28, ge=1)
    before: int | None = Field(None, ge=1)
    filters: Mapping[str, Filter] = {}
    figures: Figures | None = None
    charts: Sequence[Chart] = ()

    @property
    def queries(self) -> Sequence[str]:
        """All SQL of the page, as it is written."""
        figures = [self.figures.sql] if self.figures else []
        return [*figures, *(chart.sql for chart in self.charts)]


def read_pages(project: Path) -> Sequence[Page]:
    """The pages of a dbt project, in their order. Raises `PageError`."""
    pages = [_page(path) for path in sorted((project / FOLDER).glob("*.yml"))]
    return sorted(pages, key=lambda page: (page.order, page.name))


def _page(path: Path) -> Page:
    try:
        said: Any = yaml.safe_load(path.read_text())
        page = Page.model_validate({**said, "name": path.stem})
    except yaml.YAMLError as error:
        raise PageError(f"{path.name} is no YAML: {error}") from None
    except (ValidationError, TypeError) as error:
        raise PageError(f"{path.name}: {_problems(error)}") from None
    for chart in page.charts:
        lacking = {"line": 1, "bar": 1, "stack": 1, "heat": 2, "map": 2}.get(chart.kind, 0) - len(chart.y)
        if chart.kind != "table" and (not chart.x or lacking > 0):
            raise PageError(f"{path.name}: '{chart.title}' is a {chart.kind}, and lacks x or y.")
    return page


def _problems(error: ValidationError | TypeError) -> str:
    if isinstance(error, TypeError):
        return "a page is a mapping with title, order, description and owner"
    return "; ".join(
        f"{'.'.join(map(str, problem['loc']))}: {problem['msg'].lower()}" for problem in error.errors()
    )
