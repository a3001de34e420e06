"""`retail-assets extracts`: write the marts as files now."""

from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from retail_assets.catalog.exposures import EXTRACTS, exposures
from retail_assets.catalog.project import Project
from retail_assets.errors import UserError
from retail_assets.extracts.writing import write_extracts
from retail_assets.resources.warehouse import warehouse_of
from retail_assets.settings import Settings


def extract(out: Console, settings: Settings, folder: str, names: Sequence[str]) -> bool:
    """Write extracts, all unless some are named, here or into the settings' folder. Whether all are whole."""
    place = folder or settings.extracts_folder
    if not place:
        raise UserError("Name a folder: --to DIR, or RETAIL_EXTRACTS_FOLDER, into which each run writes.")
    known = {each.name: each for each in exposures(Project(settings).manifest) if each.kind == EXTRACTS}
    if unknown := {*names} - known.keys():
        raise UserError(f"{', '.join(sorted(unknown))} is no extract; there are: {', '.join(sorted(known))}.")
    chosen = [known[name] for name in names or sorted(known)]
    settings = settings.model_copy(update={"extracts_folder": place})
    written = write_extracts(settings, warehouse_of(settings), chosen)
    shown = Table("table", "rows", "months", "written", box=None, pad_edge=False)
    for column in shown.columns[1:]:
        column.justify = "right"
    problems = []
    for tables in written.values():
        for table in tables:
            shown.add_row(table.table, f"{table.rows:,}", f"{table.months:,}", f"{len(table.rewritten):,}")
            problems += [f"{table.table}: {said}" for said in table.problems]
            problems += [f"{table.table}: {month} is too long for a sheet" for month in table.too_long]
            if removed := Counter(file.rsplit(".", 1)[-1] for file in table.removed):
                counted = ", ".join(f"{number} {kind}" for kind, number in sorted(removed.items()))
                problems.append(
                    f"{table.table}: {counted} removed, of a month or format that is not there now"
                )
    out.print(shown)
    for problem in problems:
        out.print(problem, style="yellow", highlight=False, markup=False)
    return not any(table.problems for tables in written.values() for table in tables)
