"""The command `explain`."""

from collections.abc import Sequence
from datetime import date

import dagster as dg
from rich.console import Console

from retail_assets.catalog.project import Project
from retail_assets.errors import UserError
from retail_assets.explaining.entries import Catalog
from retail_assets.explaining.explanation import Explanation, Format, Query, show
from retail_assets.explaining.figure import explain_figure
from retail_assets.explaining.runs import run_finder
from retail_assets.explaining.story import Story
from retail_assets.resources.warehouse import warehouse_of
from retail_assets.settings import Settings, settings


def explain(
    what: str,
    key: Sequence[str],
    day: date | None,
    where: Sequence[str],
    format: Format,
    out: Console,
    notes: Console,
) -> bool:
    """Print the explanation of a row or a figure. False if a figure is not what its rows sum to."""
    catalog = Catalog(Project(settings()).manifest, settings())
    with warehouse_of(settings()).reading() as query:
        found = explanation(catalog, settings(), query, what, key, day, where)
    show(found, format, out, notes)
    return found.holds


def explanation(
    catalog: Catalog,
    settings: Settings,
    query: Query,
    what: str,
    key: Sequence[str],
    day: date | None,
    where: Sequence[str],
) -> Explanation:
    """Which kind of thing is asked for, and what there is to say of it."""
    subjects = {each.entry["subject"] for each in catalog.subjects()}
    if what.startswith("mart_") or (not key and what not in subjects and "." not in what):
        if key:
            raise UserError(
                f"A mart has no key here: write --day DATE and --where COLUMN=VALUE, not {key[0]}."
            )
        return explain_figure(catalog, settings, query, what, day, where)
    if day or where:
        raise UserError("--day and --where choose figures of a mart. A row is chosen by its key.")
    if what in subjects:
        if len(key) != 2:
            raise UserError(f"Write its system and number: retail-assets explain {what} erp 43659.")
        table, key = catalog.subject(what, key[0]), key[1:]
    else:
        table = catalog.table(what)
    with dg.DagsterInstance.get() as instance:
        return Story(catalog, settings, query, run_finder(instance)).of(table, key)
