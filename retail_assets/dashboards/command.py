"""`retail-assets dashboards`: serve the pages, or write them into a folder."""

from pathlib import Path

from rich.console import Console

from retail_assets.catalog.project import PROJECT_DIR
from retail_assets.dashboards.pages import read_pages
from retail_assets.dashboards.site import site_of
from retail_assets.resources.warehouse import warehouse_of
from retail_assets.settings import settings


def serve_pages(out: Console, port: int) -> None:
    """Serve until the process is stopped."""
    from retail_assets.dashboards.server import serve

    site = site_of(settings(), read_pages(PROJECT_DIR), is_served=True)

    def say(address: str) -> None:
        out.print(f"Dashboards: {address}  (Ctrl+C to stop)", highlight=False)

    serve(warehouse_of(settings()), site, port, say)


def export_pages(out: Console, folder: str) -> None:
    """Write the pages as files."""
    from retail_assets.dashboards.export import export

    site = site_of(settings(), read_pages(PROJECT_DIR), is_served=False)
    written = export(warehouse_of(settings()), site, Path(folder).expanduser())
    out.print(f"Wrote {len(written)} pages. Open {written[0].parent / 'index.html'}", highlight=False)
