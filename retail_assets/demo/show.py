"""`retail-assets demo`: a simulated retailer, built whole, and what it tells."""

import time
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from rich.console import Console

from retail_assets.demo.home import start_over
from retail_assets.settings import settings

if TYPE_CHECKING:
    from retail_assets.cli.summary import RunResult


def show(console: Console, *, consumers: int, days: int, seed: int, until: date | None = None) -> None:
    """Simulate, build and answer. Everything is kept in the home, for `retail-assets dev`.

    Starts over in a home that a demo made. Raises `SystemExit` in any other, and if a run fails.
    """
    yesterday = datetime.now(ZoneInfo(settings().timezone)).date() - timedelta(days=1)
    last = until or yesterday
    if last > yesterday:
        raise SystemExit(f"{last} is not over: the demo's last day is {yesterday} or an earlier one.")
    first = last - timedelta(days=days - 1)
    start_over(console, first, until)
    _simulate(console, first, days, consumers, seed)

    from retail_assets.cli.launch import run_range, run_weeks

    console.print(f"\nBuilding everything from {first} to {last}, in one run:")
    _succeeded(console, run_range(first, last, "", False, console=console))
    console.print("\nCustomer segments of every week, in one run:")
    _succeeded(console, run_weeks(first, last, "", console=console))
    _answer(console)
    _show_segments(console)
    console.print(
        "\nOpen the UI with [bold]make dev[/bold] (http://127.0.0.1:3000): lineage, partitions, checks,"
        "\nfreshness, backfills. Look at the figures with [bold]make dashboards[/bold] (http://127.0.0.1:3030)."
        "\nQuery the marts with [bold]retail-assets sql[/bold]."
    )


def _succeeded(console: Console, result: "RunResult") -> None:
    console.print(result.summary(), highlight=False)
    if not result.success:
        raise SystemExit(1)


def _show_segments(console: Console) -> None:
    from retail_assets.resources.warehouse import warehouse_of
    from retail_assets.segmentation.audience import show

    console.print()
    show(console, warehouse_of(settings()).query, None)
    console.print(f"\nWith pictures: {settings().home / 'reports'}", highlight=False, markup=False)


def _simulate(console: Console, first: date, days: int, consumers: int, seed: int) -> None:
    from simulated_retailer import simulate, write_sources, write_truth

    started = time.monotonic()
    with console.status(f"Simulating {consumers:,} consumers over {days} days"):
        retailer = simulate(consumers=consumers, days=days, seed=seed, start=first)
        write_sources(retailer, settings().home / "sources")
        write_truth(retailer, settings().home / "truth")
    tables = [table for system in retailer.versions.values() for table in system.values()]
    console.print(
        f"Simulated {len(retailer.versions)} systems: {consumers:,} consumers, {days} days,"
        f" {sum(table.num_rows for table in tables):,} versions of rows, {time.monotonic() - started:.1f} s.",
        highlight=False,
    )


def _answer(console: Console) -> None:
    from retail_assets.demo.questions import questions
    from retail_assets.resources.tables import rich_table
    from retail_assets.resources.warehouse import warehouse_of

    warehouse = warehouse_of(settings())
    for question in questions():
        console.print()
        console.print(rich_table(warehouse.query(question.sql), question.title))
