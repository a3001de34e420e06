"""`retail-assets demo next`: the demo's next days at once, and what happened in them."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

from rich.console import Console

from retail_assets.demo.days import day_after, live_on
from retail_assets.demo.home import demo_at_home, remember, set_calendar, yesterday
from retail_assets.errors import UserError

if TYPE_CHECKING:
    from simulated_retailer import News, WrongRow


def go_on(console: Console, days: int) -> bool:
    """Simulate the next days, run them, and the weeks that end in them; whether the runs were a success.

    Days that were simulated without their run, as after a crash, are run too. Raises `UserError` in a home
    that is no demo's, or if the days are not over.
    """
    demo = demo_at_home()
    last = demo.asked_for + timedelta(days=days)
    if last > yesterday():
        raise UserError(
            f"{last} is not over: the demo has come to {demo.asked_for}, and can go on to {yesterday()}."
            " Each night of `retail-assets dev` is a day more; `retail-assets demo` begins another one."
        )
    with console.status("Simulating"):
        news = live_on(last)
    first, last = day_after(demo.asked_for), max(last, demo.until)
    set_calendar(demo_at_home())
    for line in _told(news) if news else ():
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    return _run(console, first, last)


def _run(console: Console, first: date, last: date) -> bool:
    """What the nights from `first` to `last` run."""
    from retail_assets.cli.launch import run_range, run_weeks

    console.print(f"\nRunning {_span(first, last)}:", highlight=False)
    done = run_range(first, last, "", False, console=console)
    console.print(done.summary(), highlight=False)
    remember(replace(demo_at_home(), asked_for=last))
    # The first week whose Sunday may be among the days.
    monday = first - timedelta(days=first.weekday())
    if done.failures or monday + timedelta(days=6) > last:
        return done.success
    console.print("\nMonday has come. Running the week:", highlight=False)
    weekly = run_weeks(monday, last, "", console=console)
    console.print(weekly.summary(), highlight=False)
    return done.success and weekly.success


def _told(news: "News") -> Iterator[str]:
    """What happened, in sentences."""
    orders = sum(news.orders.values())
    by_system = ", ".join(f"{_SYSTEMS[system]} {number:,}" for system, number in news.orders.items())
    yield f"{_span(news.first, news.last)}: {_count(orders, 'order')} came ({by_system})."
    if changed := [
        *([f"{_count(news.late_changes, 'line')} of earlier orders changed"] if news.late_changes else []),
        *([f"{_count(news.moved, 'earlier order')} got another date"] if news.moved else []),
        *([f"{_count(news.returns, 'return')} came in"] if news.returns else []),
    ]:
        yield f"{', '.join(changed)}."
    if news.offers:
        yield f"An offer began: {', '.join(news.offers)}."
    for row in news.wrong:
        yield _wrong(row)
    for row in news.mended:
        yield f"A row was mended: {_named(row)}."
    for drop in news.drops:
        late = f" by {_count(drop.days_late, 'day')}" if drop.days_late else ""
        yield f"A file was {drop.trouble}{late}: {drop.path}."
    if news.late:
        name = _SYSTEMS[news.late]
        yield f"{name[0].upper()}{name[1:]} was late: its {news.last} comes with the next night."


_SYSTEMS = {
    "erp": "the ERP",
    "webshop": "the web shop",
    "crm": "the CRM",
    "inventory": "the inventory system",
    "marketing": "marketing",
}


def _wrong(row: "WrongRow") -> str:
    until = f", mended on {row.mended:%Y-%m-%d}" if row.mended else ""
    return f"A row came wrong{until}: {_named(row)}. It is in `retail-assets quarantine list`."


def _named(row: "WrongRow") -> str:
    key = ", ".join(f"{name} {value}" for name, value in json.loads(row.key).items())
    return f"{row.system}.{row.table} ({key}), {row.reason}"


def _span(first: date, last: date) -> str:
    return f"{first}" if first == last else f"{first} to {last}"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
