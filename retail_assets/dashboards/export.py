"""The pages as files that open without a server."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from retail_assets.dashboards.answers import content
from retail_assets.dashboards.dictionary import NAME, tables
from retail_assets.dashboards.site import STATIC, Site, as_csv
from retail_assets.errors import UserError
from retail_assets.resources.warehouse import Warehouse

MARK = ".retail-dashboards"
"""A file in folders that were written by an export, and may be written again."""


class ExportError(UserError):
    """The pages cannot be written there."""


def export(warehouse: Warehouse, site: Site, folder: Path) -> list[Path]:
    """Write all pages into a folder, which is replaced as a whole. Returns the pages' files.

    Raises `ExportError` if the folder has something else in it.
    """
    if folder.exists() and (not folder.is_dir() or (any(folder.iterdir()) and not (folder / MARK).exists())):
        raise ExportError(f"{folder} has other files in it. Name a new or an empty folder.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as name:
        new = Path(name) / "new"
        new.mkdir()
        (new / MARK).touch()
        shutil.copytree(STATIC, new / "static")
        pages = list(_write(warehouse, site, new))
        if folder.exists():
            folder.rename(Path(name) / "old")
        new.rename(folder)
    return [folder / page for page in pages]


def _write(warehouse: Warehouse, site: Site, folder: Path) -> Iterator[str]:
    with warehouse.reading() as query:
        for page in site.pages:
            shown = content(page, {}, query, warehouse.comments_query)
            (folder / f"{page.name}.html").write_text(site.page(shown))
            for number, (_, answer) in enumerate(shown.charts):
                (folder / f"{page.name}-{number}.csv").write_bytes(as_csv(answer))
            yield f"{page.name}.html"
        (folder / f"{NAME}.html").write_text(site.dictionary(tables(query, warehouse.comments_query)))
    shutil.copyfile(folder / f"{site.pages[0].name}.html", folder / "index.html")
