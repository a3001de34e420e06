"""`retail-assets demo`: a simulated retailer, built whole, and what it tells."""

import time
from datetime import date, timedelta
from typing import TYPE_CHECKING

from rich.console import Console

from retail_assets.demo.days import retailer_of
from retail_assets.demo.home import Demo, end_of, start_over, yesterday
from retail_assets.settings import settings

if TYPE_CHECKING:
    from retail_assets.cli.summary import RunResult


# The demo ends so long before today that it has days to go on to; whole weeks, so that its Monday is one.
DAYS_TO_GO_ON = 28


def show(console: Console, *, consumers: int, days: int, seed: int, until: date | None = None) -> None:
    """Simulate, build and answer. Everything is kept in the home, for `retail-assets dev`.

    Starts over in a home that a demo made. Raises `SystemExit` in any other, and if a run fails.
    """
    last = until or yesterday() - timedelta(days=DAYS_TO_GO_ON)
    if last > yesterday():
        raise SystemExit(f"{last} is not over: the demo's last day is {yesterday()} or an earlier one.")
    first = last - timedelta(days=days - 1)
    demo = Demo(consumers, seed, first, days, until=last, asked_for=last)
    start_over(console, demo)
    _simulate(console, demo)

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
        "\nThe retailer lives on: a day more every night of [bold]make dev[/bold], or at once with"
        "\n[bold]retail-assets demo next[/bold]."
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


def _simulate(console: Console, demo: Demo) -> None:
    from simulated_retailer import write_truth

    started = time.monotonic()
    with console.status(f"Simulating {demo.consumers:,} consumers over {demo.days} days"):
        living = retailer_of(demo)
        living.write_evening(settings().home / "sources", demo.until, end_of(demo.until))
        write_truth(living.retailer, settings().home / "truth")
    console.print(
        f"Simulated {len(living.retailer.versions)} systems: {demo.consumers:,} consumers, {demo.days} days"
        f" and {living.retailer.days - demo.days} more to come, {time.monotonic() - started:.1f} s.",
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
