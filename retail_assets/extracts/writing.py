"""Writing extracts: from the published copy into the folder of the settings."""

from collections.abc import Iterable, Mapping, Sequence

from filelock import FileLock

from retail_assets.catalog.exposures import Exposure
from retail_assets.catalog.project import Project
from retail_assets.catalog.translator import personal_names
from retail_assets.extracts.folder import Folder
from retail_assets.extracts.tables import Writer, Written
from retail_assets.resources.warehouse import Warehouse
from retail_assets.settings import Settings


def write_extracts(
    settings: Settings, warehouse: Warehouse, extracts: Iterable[Exposure]
) -> Mapping[str, Sequence[Written]]:
    """Write what has changed of some extracts, by their names. Other processes wait."""
    personal = frozenset() if settings.extracts_personal else personal_names(Project(settings).manifest)
    with FileLock(settings.home / "extracts.lock"), warehouse.reading() as query:
        folder = Folder(settings.extracts_folder)
        writer = Writer(warehouse, query, folder, settings.formats, personal)
        return {each.name: list(writer.write(each.tables, each.name)) for each in extracts}
