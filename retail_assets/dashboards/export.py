"""The pages as files that open without a server."""

import shutil
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from retail_assets.catalog.project import PROJECT_DIR
from retail_assets.dashboards.answers import NOT_BUILT, Content, content
from retail_assets.dashboards.dictionary import NAME
from retail_assets.dashboards.pages import read_pages
from retail_assets.dashboards.site import STATIC, Site, as_csv, site_of
from retail_assets.errors import UserError
from retail_assets.resources.warehouse import Warehouse
from retail_assets.settings import Settings

MARK = ".retail-dashboards"
"""A file in folders that were written by an export, and may be written again."""


class ExportError(UserError):
    """The pages cannot be written there."""


def export(warehouse: Warehouse, site: Site, folder: Path) -> list[Path]:
    """Write all pages into a folder, which is replaced as a whole. Returns the pages' files.

    Raises `ExportError` if the folder has something else in it.
    """
    _refuse_others(folder)
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


def update_all(
    settings: Settings, warehouse: Warehouse, names: Collection[str] | None = None
) -> Mapping[str, list[str]]:
    """Write pages, all unless some are named, into the folder of the settings."""
    pages = read_pages(PROJECT_DIR)
    chosen = {page.name for page in pages} if names is None else names
    site = site_of(settings, pages, is_served=False)
    return update(warehouse, site, Path(settings.dashboards_folder).expanduser(), chosen)


def update(warehouse: Warehouse, site: Site, folder: Path, names: Collection[str]) -> Mapping[str, list[str]]:
    """Write some pages into a folder with others, file by file: each is the former one or whole.

    What is the same stays as it is, with its time. Returns what is wrong with each page. Raises `ExportError`
    if the folder has something else in it.
    """
    _refuse_others(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARK).touch()
    for path in STATIC.iterdir():
        _replace(folder / "static" / path.name, path.read_bytes())
    problems: dict[str, list[str]] = {}
    with warehouse.reading() as query:
        for page in site.pages:
            # Pages that were never written are linked, too.
            if page.name in names or not (folder / f"{page.name}.html").exists():
                shown = content(page, {}, query, warehouse.comments_query)
                for name, written in _files(site, shown):
                    _replace(folder / name, written)
                problems[page.name] = list(_problems(shown))
        _replace(folder / f"{NAME}.html", site.dictionary(query, warehouse.comments_query).encode())
    _replace(folder / "index.html", (folder / f"{site.pages[0].name}.html").read_bytes())
    return problems


def _refuse_others(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or (any(folder.iterdir()) and not (folder / MARK).exists())):
        raise ExportError(f"{folder} has other files in it. Name a new or an empty folder.")


def _replace(path: Path, written: bytes) -> None:
    if path.exists() and path.read_bytes() == written:
        return
    path.parent.mkdir(exist_ok=True)
    unfinished = path.with_name(f".{path.name}.unfinished")
    unfinished.write_bytes(written)
    unfinished.replace(path)


def _problems(shown: Content) -> Iterator[str]:
    """The queries without an answer; what has not been built yet has none."""
    answers = [("figures", shown.figures_answer), *((chart.title, each) for chart, each in shown.charts)]
    for title, answer in answers:
        if answer and answer.problem and answer.problem != NOT_BUILT:
            yield f"{title}: {answer.problem}"


def _files(site: Site, shown: Content) -> Iterator[tuple[str, bytes]]:
    for number, (_, answer) in enumerate(shown.charts):
        yield f"{shown.page.name}-{number}.csv", as_csv(answer)
    yield f"{shown.page.name}.html", site.page(shown).encode()


def _write(warehouse: Warehouse, site: Site, folder: Path) -> Iterator[str]:
    with warehouse.reading() as query:
        for page in site.pages:
            for name, written in _files(site, content(page, {}, query, warehouse.comments_query)):
                (folder / name).write_bytes(written)
            yield f"{page.name}.html"
        (folder / f"{NAME}.html").write_text(site.dictionary(query, warehouse.comments_query))
    shutil.copyfile(folder / f"{site.pages[0].name}.html", folder / "index.html")
