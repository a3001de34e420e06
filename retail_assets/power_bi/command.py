"""`retail-assets power-bi`: write a Power BI project over the extract of metrics."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

from retail_assets.catalog.exposures import EXTRACTS, METRICS, exposures
from retail_assets.catalog.project import Project
from retail_assets.errors import UserError
from retail_assets.extracts.folder import Folder
from retail_assets.extracts.tables import SCHEMA_FILE
from retail_assets.metrics.layer import Layer
from retail_assets.power_bi.model import calendar_of, model_of
from retail_assets.power_bi.project import NAME, files_of, write_project
from retail_assets.power_bi.tmdl import FOLDER
from retail_assets.settings import Settings

_AS_IS: Any = {"markup": False, "highlight": False, "soft_wrap": True}


def write(out: Console, settings: Settings, place: str, extracts: str) -> None:
    """Write the project into a folder, for extracts that are in another."""
    where = extracts or settings.extracts_folder
    if not where:
        raise UserError("Name the folder of the extracts: --extracts DIR, or RETAIL_EXTRACTS_FOLDER.")
    manifest = Project(settings).manifest
    folder = Folder(where)
    schemas = _schemas(folder, manifest)
    if not schemas:
        raise UserError(
            f"There is no extract of metrics in {where}. First: retail-assets extracts {METRICS} --to {where}"
        )
    calendar, _, _ = calendar_of(manifest)
    if calendar not in schemas:
        raise UserError(
            f"The extract in {where} has no {calendar}, which this version's next run builds."
            f" After it: retail-assets extracts {METRICS} --to {where}"
        )
    layer = Layer(settings)
    behind = {name: {node.rsplit(".", 1)[-1] for node in layer.models(name)} for name in layer.metrics}
    known = [name for name, tables in behind.items() if tables <= schemas.keys()]
    model = model_of(manifest, known, schemas)
    target = Path(place).expanduser()
    write_project(target, files_of(model, folder.place("")))
    counts = ((model.tables, "tables"), (model.relationships, "relationships"), (model.measures, "measures"))
    out.print(
        f"{', '.join(f'{len(each)} {said}' for each, said in counts)} in {target / f'{NAME}.pbip'}", **_AS_IS
    )
    if left := sorted(behind.keys() - {*known}):
        out.print(
            f"Left out, since the extract lacks their tables: {', '.join(left)}", style="yellow", **_AS_IS
        )
    out.print(
        f"Open it in Power BI Desktop, and set its parameter {FOLDER!r} to where the extracts are there.",
        **_AS_IS,
    )


def _schemas(folder: Folder, manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The schema files of the extract, by the names of tables."""
    (extract,) = (each for each in exposures(manifest) if each.kind == EXTRACTS and each.name == METRICS)
    names = [table.split(".")[1] for table in extract.tables]
    found = {name: folder.read_json(f"{METRICS}/{name}/{SCHEMA_FILE}") for name in names}
    return {name: schema for name, schema in found.items() if schema}
