"""The command line. Each command imports what it needs when it runs, so that `--help` is quick."""

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console

if TYPE_CHECKING:
    import pyarrow as pa

app = typer.Typer(
    help="The retailer's data platform: sources in, marts out, every night.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
out = Console()
notes = Console(stderr=True)


def _export(rows: "pa.Table", summary: str) -> None:
    """Write rows as CSV for a spreadsheet, and say beside it what they are."""
    from retail_assets.resources.tables import spreadsheet_csv
    from retail_assets.resources.terminal import lines

    sys.stdout.buffer.write(spreadsheet_csv(rows))
    sys.stdout.buffer.flush()
    notes.print(lines(summary), highlight=False)


demo_app = typer.Typer()
app.add_typer(demo_app, name="demo")


@demo_app.callback(invoke_without_command=True)
def demo(
    context: typer.Context,
    consumers: Annotated[int, typer.Option(min=1, help="Consumers of the retailer.")] = 2000,
    days: Annotated[int, typer.Option(min=30, help="Days of its history.")] = 365,
    seed: Annotated[int, typer.Option(help="The same seed simulates the same retailer.")] = 7,
    until: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"], metavar="DATE", help="Last day of its history. Default: four weeks ago."
        ),
    ] = None,
) -> None:
    """Simulate a retailer, build everything for its whole history, and answer questions with it.

    Its calendar goes on from there by the clock: every night of `retail-assets dev` is a day more.
    `retail-assets demo next` has the next days at once, up to yesterday.
    """
    if context.invoked_subcommand is None:
        from retail_assets.demo.show import show

        show(out, consumers=consumers, days=days, seed=seed, until=until.date() if until else None)


@demo_app.command("next")
def demo_next(days: Annotated[int, typer.Option(min=1, help="How many days, up to yesterday.")] = 1) -> None:
    """Let the demo's retailer live its next days, run what a night runs, and say what happened.

    Orders come, old ones are corrected and returned, offers begin. Now and then a row is wrong and mended a
    day or two later (`retail-assets quarantine list`), or a system is late by a night. The days are one run;
    if a Monday has come, the week is another. Exit status 1 if a run fails, or refuses something.
    """
    from retail_assets.demo.next import go_on

    if not go_on(out, days):
        raise typer.Exit(1)


@app.command()
def backfill(
    first: Annotated[
        datetime, typer.Option("--from", formats=["%Y-%m-%d"], metavar="DATE", help="First day.")
    ],
    last: Annotated[
        datetime,
        typer.Option("--to", formats=["%Y-%m-%d"], metavar="DATE", help="Last day, included."),
    ],
    select: Annotated[str, typer.Option(help="Dagster asset selection, such as 'group:mart_sales'.")] = "",
    full_refresh: Annotated[
        bool, typer.Option("--full-refresh", help="Rebuild the models from all of raw.")
    ] = False,
    weekly: Annotated[
        bool, typer.Option("--weekly", help="The customer segments of the weeks in the range.")
    ] = False,
) -> None:
    """Materialize a range of days in one run, both days included."""
    from retail_assets.cli.launch import run_range, run_weeks

    if weekly and full_refresh:
        raise typer.BadParameter("Weeks are made again each time: leave out --full-refresh.")
    if weekly:
        result = run_weeks(first.date(), last.date(), select, console=notes)
    else:
        result = run_range(first.date(), last.date(), select, full_refresh, console=notes)
    out.print(result.summary())
    if not result.success:
        raise typer.Exit(1)


@app.command()
def sql(
    statement: Annotated[str, typer.Argument(help="A query.")],
    format: Annotated[Literal["table", "csv", "json"], typer.Option(help="Output.")] = "table",
) -> None:
    """Query the warehouse, read-only, also while a run is writing it."""
    from retail_assets.cli.reading import answer, remarks
    from retail_assets.resources.tables import write_table
    from retail_assets.resources.warehouse import warehouse_of
    from retail_assets.settings import settings

    warehouse = warehouse_of(settings())
    write_table(answer(warehouse, statement, settings()), format, out)
    for remark in remarks(warehouse, statement):
        notes.print(remark, style="yellow", highlight=False, markup=False)


@app.command()
def explain(
    what: Annotated[str, typer.Argument(help="`order`, a table of the contract (`erp.customer`) or a mart.")],
    key: Annotated[
        list[str] | None,
        typer.Argument(help="Of an order its system and number, of a table its key. Of a mart nothing."),
    ] = None,
    day: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], metavar="DATE", help="The day of the mart's figures."),
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN=VALUE", help="Only these rows of the mart; may come several times."),
    ] = None,
    format: Annotated[Literal["table", "csv", "json"], typer.Option(help="Output.")] = "table",
) -> None:
    """Tell a row's story, or show the rows that a figure is made of. Read-only, without personal data.

    `explain order erp 43659`: every version of the order and of what belongs to it, what changed, which days
    and marts it moved, whether it is held back, and what it is in the facts.
    `explain mart_sales.sales_performance --day 2024-03-05`: the rows of the facts behind the figures, that
    they sum to them, and what changed since that day. Exit status 1 if they do not.
    """
    from retail_assets.explaining.command import explain as explained

    if not explained(what, key or [], day.date() if day else None, where or [], format, out, notes):
        raise typer.Exit(1)


@app.command()
def restatements(
    mart: Annotated[str, typer.Option(metavar="NAME", help="Only of this mart.")] = "",
    day: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], metavar="DATE", help="Only of this day's figures."),
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], metavar="DATE", help="Only what changed from this morning on."),
    ] = None,
    as_of: Annotated[
        datetime | None,
        typer.Option(
            "--as-of", formats=["%Y-%m-%d"], metavar="DATE", help="What was reported on this morning."
        ),
    ] = None,
    rows: Annotated[bool, typer.Option("--rows", help="Which source rows made it so.")] = False,
    format: Annotated[Literal["table", "csv", "json"], typer.Option(help="Output.")] = "table",
) -> None:
    """List figures of past days that became others: what each was, what it became, by which run.

    `restatements --mart sales_performance --day 2024-03-05 --as-of 2024-03-07`: what was reported of the 5th
    on the morning of the 7th. With `--rows` instead: what changed of the source rows. Read-only.
    """
    from retail_assets.explaining.restated import Asked
    from retail_assets.explaining.restated import restatements as restated

    first, newest, morning = (each.date() if each else None for each in (day, since, as_of))
    restated(Asked(mart, first, newest, morning, rows), format, out, notes)


@app.command()
def metrics(
    names: Annotated[list[str] | None, typer.Argument(metavar="[METRIC]...", help="Metrics.")] = None,
    by: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="day, week, month, quarter, year or a dimension; several: a,b."),
    ] = None,
    first: Annotated[
        datetime | None,
        typer.Option("--from", formats=["%Y-%m-%d"], metavar="DATE", help="First day."),
    ] = None,
    last: Annotated[
        datetime | None,
        typer.Option("--to", formats=["%Y-%m-%d"], metavar="DATE", help="Last day, included."),
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="Only of this value of a dimension; may come several times."),
    ] = None,
    dimensions: Annotated[
        bool, typer.Option("--dimensions", help="List what the metrics can be grouped and filtered by.")
    ] = False,
    only_sql: Annotated[bool, typer.Option("--sql", help="Print the query instead of its answer.")] = False,
    format: Annotated[Literal["table", "csv", "json"], typer.Option(help="Output.")] = "table",
) -> None:
    """Show figures by name, each defined once for everybody. Without a name, list the metrics.

    `metrics revenue margin_rate --by month,category --from 2024-01-01`: both of each month and category.
    `metrics revenue --dimensions`: what else it can be grouped by.
    """
    from retail_assets.metrics import command

    if not names:
        command.listed(format, out)
    elif dimensions:
        command.dimensions(names, format, out)
    else:
        command.figures(
            names,
            [each for several in by or [] for each in several.split(",")],
            first.date() if first else None,
            last.date() if last else None,
            where or [],
            format,
            only_sql,
            out,
            notes,
        )


segments_app = typer.Typer(help="Customer segments: what they are like, and who is in them.")
app.add_typer(segments_app, name="segments")

Week = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d"], metavar="DATE", help="A day of the week. Default: the newest week."),
]


@segments_app.callback(invoke_without_command=True)
def segments(context: typer.Context, week: Week = None) -> None:
    """Print a week's customer segments."""
    context.obj = week
    if context.invoked_subcommand is None:
        from retail_assets.resources.warehouse import warehouse_of
        from retail_assets.segmentation.audience import show
        from retail_assets.settings import settings

        show(out, warehouse_of(settings()).query, week.date() if week else None)


@segments_app.command()
def export(
    context: typer.Context,
    segment: Annotated[int, typer.Option(help="Number of the segment.")],
    week: Week = None,
) -> None:
    """Write a segment's consumers who opted in to marketing as CSV, for a campaign tool."""
    from retail_assets.resources.warehouse import warehouse_of
    from retail_assets.segmentation.audience import audience
    from retail_assets.settings import settings

    # The week may stand before `export` or after it.
    week = week or context.obj
    found = audience(warehouse_of(settings()).query, segment, week.date() if week else None)
    _export(found.consumers, found.summary)


recommend_app = typer.Typer(help="What to recommend to a consumer, and to all of them by mail.")
app.add_typer(recommend_app, name="recommend")


@recommend_app.callback(invoke_without_command=True)
def recommend(
    context: typer.Context,
    consumer: Annotated[
        str, typer.Option(metavar="EMAIL|KEY", help="The consumer, by e-mail address or by key.")
    ] = "",
    week: Week = None,
) -> None:
    """Print what is recommended to a consumer: what to buy again, and what is new to them."""
    context.obj = week
    if context.invoked_subcommand is None:
        from retail_assets.recommendations.reading import show
        from retail_assets.resources.warehouse import warehouse_of
        from retail_assets.settings import settings

        if not consumer:
            raise typer.BadParameter("Say for whom: --consumer EMAIL or --consumer KEY.")
        show(out, warehouse_of(settings()).query, consumer, week.date() if week else None)


@recommend_app.command("export")
def export_recommendations(
    context: typer.Context,
    products: Annotated[int, typer.Option(min=1, max=10, help="Products of each list.")] = 3,
    week: Week = None,
) -> None:
    """Write the recommendations of all consumers who opted in to marketing as CSV, for a mail tool."""
    from retail_assets.recommendations.reading import mailing
    from retail_assets.resources.warehouse import warehouse_of
    from retail_assets.settings import settings

    # The week may stand before `export` or after it.
    week = week or context.obj
    found = mailing(warehouse_of(settings()).query, products, week.date() if week else None)
    _export(found.consumers, found.summary)


reorder_app = typer.Typer(help="What to reorder, on the screen and as a file.")
app.add_typer(reorder_app, name="reorder")

Center = Annotated[
    str, typer.Option(metavar="NAME|KEY", help="The distribution center, by name or key. Default: all.")
]
PlanDay = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d"], metavar="DATE", help="The day. Default: the newest that has a plan."),
]


@reorder_app.callback(invoke_without_command=True)
def reorder(context: typer.Context, center: Center = "", day: PlanDay = None) -> None:
    """Print what to order, or to bring from another center, at the end of a day, and why."""
    context.obj = (center, day)
    if context.invoked_subcommand is None:
        from retail_assets.demand.reading import show
        from retail_assets.resources.warehouse import warehouse_of
        from retail_assets.settings import settings

        show(out, warehouse_of(settings()).query, center, day.date() if day else None)


@reorder_app.command("export")
def export_orders(context: typer.Context, center: Center = "", day: PlanDay = None) -> None:
    """Write what to order as CSV, for a spreadsheet or a purchasing system."""
    from retail_assets.demand.reading import reorder as orders_of
    from retail_assets.resources.warehouse import warehouse_of
    from retail_assets.settings import settings

    # Both may stand before `export` or after it.
    center, day = center or context.obj[0], day or context.obj[1]
    found = orders_of(warehouse_of(settings()).query, center, day.date() if day else None)
    _export(found.rows, found.summary)


dashboards_app = typer.Typer(help="Pages for people: sales, customers, products, stock, marketing.")
app.add_typer(dashboards_app, name="dashboards")


@dashboards_app.callback(invoke_without_command=True)
def dashboards(
    context: typer.Context,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 takes a free one.")
    ] = 3030,
) -> None:
    """Serve the dashboards on this machine, read-only, also while a run is writing the warehouse."""
    if context.invoked_subcommand is None:
        from retail_assets.dashboards.command import serve_pages

        serve_pages(out, port)


@dashboards_app.command("export")
def export_dashboards(
    folder: Annotated[str, typer.Argument(metavar="DIR", help="A new folder, or one of an earlier export.")],
) -> None:
    """Write the dashboards as files that open without a server."""
    from retail_assets.dashboards.command import export_pages

    export_pages(out, folder)


@app.command()
def extracts(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Such as `sales`. Default: all.")
    ] = None,
    to: Annotated[str, typer.Option(metavar="DIR", help="Folder or URL. Default: the setting's.")] = "",
) -> None:
    """Write the marts as files, by month, only what has changed: Parquet, or RETAIL_EXTRACTS_FORMATS.

    Without the columns of personal data. With RETAIL_EXTRACTS_FOLDER each run does so by itself.
    """
    from retail_assets.extracts.command import extract
    from retail_assets.settings import settings

    if not extract(out, settings(), to, names or []):
        raise typer.Exit(1)


@app.command("power-bi")
def power_bi(
    to: Annotated[
        str,
        typer.Option(metavar="DIR", help="A new folder, or one of an earlier project, which is replaced."),
    ],
    extracts: Annotated[
        str, typer.Option(metavar="DIR", help="Where the extracts are. Default: the setting's.")
    ] = "",
) -> None:
    """Write a Power BI project (PBIP) over `extracts metrics`: a model with all measures, and a report."""
    from retail_assets.power_bi.command import write
    from retail_assets.settings import settings

    write(out, settings(), to, extracts)


alerts_app = typer.Typer(help="What is wrong, and who is told.", no_args_is_help=True)
app.add_typer(alerts_app, name="alerts")
_NUMBER = Annotated[int, typer.Argument(metavar="NUMBER", help="The alert's number in the list.")]


@alerts_app.command("list")
def list_alerts(
    everything: Annotated[bool, typer.Option("--all", help="Also what has recovered.")] = False,
) -> None:
    """List what is wrong, the newest first, and the messages that nobody took."""
    from retail_assets.alerts.command import show_list

    show_list(out, everything)


@alerts_app.command("show")
def show_alert(number: _NUMBER) -> None:
    """Show one alert: what is wrong, the tables and pages that it reaches, rows, and what to do."""
    from retail_assets.alerts.command import show_one

    show_one(out, number)


@alerts_app.command("ack")
def acknowledge_alert(number: _NUMBER) -> None:
    """Note that somebody is at it."""
    from retail_assets.alerts.command import acknowledge

    acknowledge(out, number)


@alerts_app.command("close")
def close_alert(number: _NUMBER) -> None:
    """Note that nothing more is to be done about it. If it is seen again, that is a new alert."""
    from retail_assets.alerts.command import close

    close(out, number)


@alerts_app.command("mute")
def mute_alert(
    number: _NUMBER,
    hours: Annotated[float, typer.Option(min=0, help="For how long.")] = 24,
) -> None:
    """Send no messages about it for some hours, though it recovers and goes wrong again."""
    from retail_assets.alerts.command import mute

    mute(out, number, hours)


@alerts_app.command("test")
def test_alerts() -> None:
    """Send a message to each address of RETAIL_ALERT_URLS, and say which took it."""
    from retail_assets.alerts.command import send_test

    if not send_test(out):
        raise typer.Exit(1)


quarantine_app = typer.Typer(
    help="Rows that are held back or refused, and what can be done with them.", no_args_is_help=True
)
app.add_typer(quarantine_app, name="quarantine")
_TABLE = Annotated[str, typer.Argument(help="A table of the contract, such as `erp.sales_order_detail`.")]
_KEY = Annotated[list[str] | None, typer.Argument(help="A row's key. Default: all rows.")]
_REASON = Annotated[str, typer.Option(metavar="TEXT", help="Only rows whose reason has this text.")]
_FORMAT = Annotated[Literal["table", "csv", "json"], typer.Option(help="Output.")]


@quarantine_app.command("list")
def list_quarantine(
    table: Annotated[str, typer.Argument(help="A table of the contract. Default: all.")] = "",
    format: _FORMAT = "table",
) -> None:
    """List what is in quarantine by table and reason: rows, amounts, since when."""
    from retail_assets.quarantine.command import show_counts

    show_counts(out, notes, table, format)


@quarantine_app.command("show")
def show_quarantine(table: _TABLE, key: _KEY = None, reason: _REASON = "", format: _FORMAT = "table") -> None:
    """Show a table's rows in quarantine: key, reason, value, amount, since when, from which load."""
    from retail_assets.quarantine.command import show_rows

    show_rows(out, notes, table, key or [], reason, format)


@quarantine_app.command("retry")
def retry_quarantine(table: _TABLE, key: _KEY = None, reason: _REASON = "") -> None:
    """Run the days of a table's rows in quarantine again, after a mapping or a rule was changed.

    A row that is mended at the source needs no retry: the next run sees it.
    """
    from retail_assets.quarantine.command import retry

    if not retry(out, notes, table, key or [], reason):
        raise typer.Exit(1)


@quarantine_app.command("release")
def release_quarantine(
    table: _TABLE,
    key: Annotated[list[str], typer.Argument(help="The row's key.")],
    why: Annotated[str, typer.Option(help="Why the row is right as it is.")] = "",
    by: Annotated[str, typer.Option(help="Who says so. Default: the user of this process.")] = "",
    undo: Annotated[bool, typer.Option("--undo", help="Take the release back.")] = False,
) -> None:
    """Accept a row in spite of the rule that holds it back, and run its day again.

    Only for rules that say so (`release` in meta.quarantine), and for the row as it is: when the source
    changes it, the rules judge it anew. Who, when and why is in `quality.released_rows`.
    """
    import getpass

    from retail_assets.quarantine.command import release, withdraw

    if undo:
        done = withdraw(out, notes, table, key)
    elif not why.strip():
        raise typer.BadParameter("Say why the row is right as it is: --why TEXT.")
    else:
        done = release(out, notes, table, key, "", why.strip(), by.strip() or getpass.getuser())
    if not done:
        raise typer.Exit(1)


@app.command()
def forget(
    email: Annotated[str, typer.Option(help="The person's e-mail address.")] = "",
    consumer: Annotated[str, typer.Option(metavar="KEY", help="Or the key, as in wh_dim_consumer.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Erase. Without it, only say what would be.")] = False,
) -> None:
    """Erase a person everywhere, for good: raw, marts, predictions, copies. Sums stay."""
    from retail_assets.privacy.command import forget as erase
    from retail_assets.settings import settings

    erase(settings(), email, consumer, yes, out, notes)


@app.command()
def upgrade(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    until: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            metavar="DATE",
            help="Last day that was run, where Dagster's history does not tell.",
        ),
    ] = None,
) -> None:
    """Bring a home that another version wrote up to this one, as the next run would.

    Sources are not read. Models whose SQL has changed are rebuilt from raw.
    """
    from retail_assets.deployment.upgrading import upgrade_home

    upgrade_home(out, dry_run=dry_run, until=until.date() if until else None)


@app.command()
def init(
    system: Annotated[str, typer.Argument(help="erp, webshop, crm, inventory, marketing or geo.")],
    output: Annotated[
        str, typer.Option(metavar="FILE", help="Where to write it. Default: <system>.yml in this folder.")
    ] = "",
) -> None:
    """Propose a mapping for a system, from what is at RETAIL_<SYSTEM>_URL: a file to read and correct."""
    from pathlib import Path

    from retail_assets.cli.init import write_mapping
    from retail_assets.settings import settings

    path = Path(output or f"{system}.yml").expanduser().absolute()
    write_mapping(settings(), system, path, asks=sys.stdin.isatty(), console=out)


@app.command()
def inspect(
    systems: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SYSTEM]...", help="Which of erp, webshop, crm, inventory, marketing, geo. Default: all."
        ),
    ] = None,
    days: Annotated[
        tuple[datetime, datetime] | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            metavar="FROM TO",
            help="First and last day, both included. Default: all days of the retailer.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print all findings as JSON.")] = False,
) -> None:
    """Read the sources without loading them, and say what would become of every row.

    All rows are read, with the mappings, into a temporary folder, and judged by
    the rules of a real run. Per table it tells: rows; missing columns and what is
    lost without them; values that do not fit; unknown statuses; what goes to
    quarantine, and keys that come twice, with counts and amounts; sales without
    customer, product or territory; times that cannot be, or are in no partition.

    `loss` is what figures would lack, `look` what is loaded and may be wrong,
    `note` what is good to know. The exit status is 0 if nothing would be lost,
    1 if something would, 2 if it could not be found out.
    """
    from retail_assets.cli.inspect import report
    from retail_assets.inspection.inspect import inspect_sources
    from retail_assets.settings import settings

    span = (days[0].date(), days[1].date()) if days else None
    inspection = inspect_sources(settings(), systems or [], span, notes)
    if as_json:
        import json

        print(json.dumps(inspection.as_json(), indent=2, ensure_ascii=False))
    else:
        out.print(report(inspection), highlight=False)
    if not inspection.is_without_loss:
        raise typer.Exit(1)


@app.command()
def doctor() -> None:
    """Check configuration and connections, and say how to mend what is wrong."""
    from retail_assets.deployment.doctor import diagnose

    if not diagnose(out):
        raise typer.Exit(1)


@app.command()
def verify(
    first: Annotated[
        datetime, typer.Option("--from", formats=["%Y-%m-%d"], metavar="DATE", help="First day.")
    ],
    last: Annotated[
        datetime, typer.Option("--to", formats=["%Y-%m-%d"], metavar="DATE", help="Last day, included.")
    ],
    weekly: Annotated[bool, typer.Option("--weekly", help="The weeks in the range too.")] = False,
) -> None:
    """Compare Snowflake with DuckDB, table by table and row by row.

    DuckDB makes the days anew from the sources, in a folder that is thrown away.
    On Snowflake they have been made by `retail-assets backfill` with the same days.
    """
    from retail_assets.settings import settings
    from retail_assets.verification.verify import verify

    found = verify(settings(), first.date(), last.date(), weekly=weekly)
    for each in found.differences:
        out.print(f"{each.table}: {each.text}", highlight=False, markup=False)
    out.print(f"{found.tables} tables compared, {len(found.differences)} differ.", highlight=False)
    if found.differences:
        raise typer.Exit(1)


@app.command()
def review(
    against: Annotated[
        str | None,
        typer.Option(
            metavar="REF", help="A git revision, whose code is built too. Default: what the warehouse has."
        ),
    ] = None,
    first: Annotated[
        datetime | None,
        typer.Option("--from", formats=["%Y-%m-%d"], metavar="DATE", help="First day. Default: 14 days."),
    ] = None,
    last: Annotated[
        datetime | None,
        typer.Option(
            "--to", formats=["%Y-%m-%d"], metavar="DATE", help="Last day, included. Default: the newest."
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="Folder of the report. Default: reports/review in the home.")
    ] = None,
) -> None:
    """Build the working tree on a copy of the warehouse, and report what comes out otherwise.

    The warehouse stays as it is, and no source is read. Exit status 1 if something cannot be built, or if a
    check fails that did not before.
    """
    from retail_assets.review import report
    from retail_assets.review.review import review as reviewed
    from retail_assets.settings import settings

    def say(text: str) -> None:
        notes.print(text, highlight=False, markup=False)

    start, end = (each.date() if each else None for each in (first, last))
    found = reviewed(settings(), against, start, end, say)
    path = report.write(found, output or settings().home / "reports" / "review")
    out.print(f"{report.summary(found)} The report is {path} (and .html).", highlight=False, markup=False)
    if not found.is_sound:
        raise typer.Exit(1)


@app.command()
def cost(
    by: Annotated[Literal["asset", "day", "run"], typer.Option(help="What is summed.")] = "asset",
    days: Annotated[int, typer.Option(min=1, help="Days up to today.")] = 30,
    format: Annotated[Literal["table", "csv", "json"], typer.Option(help="Output.")] = "table",
) -> None:
    """Print what runs cost on Snowflake: credits and seconds, by its query history."""
    from retail_assets.errors import UserError
    from retail_assets.resources.snowflake_cost import cost_query
    from retail_assets.resources.tables import write_table
    from retail_assets.resources.warehouse import warehouse_of
    from retail_assets.settings import settings

    if settings().warehouse != "snowflake":
        raise UserError("The warehouse is DuckDB, which has no query history and costs nothing.")
    asked = cost_query(by, days, settings().snowflake_database)
    write_table(warehouse_of(settings()).query(asked), format, out)


@app.command("snowflake-setup")
def snowflake_setup(
    part: Annotated[
        Literal["setup", "masking", "tear-down"],
        typer.Option(help="Before the first run, after it, or to take all of it away."),
    ] = "setup",
) -> None:
    """Print the SQL that an administrator of Snowflake runs: roles, warehouses, limits, masking.

    Nothing is run. Names begin with the database's (RETAIL_SNOWFLAKE_DATABASE).
    """
    from retail_assets.catalog.project import Project
    from retail_assets.deployment.snowflake_setup import script
    from retail_assets.settings import settings

    print(script(settings(), Project(settings()).manifest, part), end="")


@app.command()
def dev(port: Annotated[int, typer.Option(min=1, max=65535, help="Port on 127.0.0.1.")] = 3000) -> None:
    """Run the Dagster UI with schedules and sensors, on 127.0.0.1."""
    from retail_assets.deployment.home import CODE_LOCATION
    from retail_assets.deployment.processes import become
    from retail_assets.resources.ports import HOST, listening

    # Dagster would say that it serves on a port in use, and stay.
    listening(port).close()
    command = [sys.executable, "-m", "retail_assets.deployment.dev"]
    become([*command, "-m", CODE_LOCATION, "-h", HOST, "-p", str(port)])


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def serve(
    context: typer.Context,
    part: Annotated[Literal["webserver", "daemon", "code"], typer.Argument(help="The process.")],
) -> None:
    """Be one process of a deployment, which a service manager keeps running.

    Further options are Dagster's: -h and -p, where it is not to be on 127.0.0.1.
    """
    from retail_assets.deployment.serve import serve as serve_part
    from retail_assets.settings import settings

    serve_part(part, settings(), context.args)


def main() -> None:
    """Entry point: a user's mistake is a sentence, not a traceback."""
    if sys.platform == "win32":
        sys.exit(
            "retail-assets does not run on Windows, which lacks the file locks it needs (fcntl). Use WSL."
        )
    from retail_assets.deployment.home import prepare
    from retail_assets.deployment.processes import end_quietly
    from retail_assets.errors import UserError, of_the_disk
    from retail_assets.settings import settings

    end_quietly()
    try:
        # Nothing is written for help, nor into the home by what only looks at the sources.
        helps = {"--help"} if sys.argv[1:2] == ["serve"] else {"--help", "-h"}
        if not helps & set(sys.argv) and sys.argv[1:2] != ["inspect"]:
            prepare(settings())
        app()
    except Exception as error:
        from retail_assets.resources.terminal import lines

        told = error if isinstance(error, UserError) else of_the_disk(error)
        if told is None:
            raise
        notes.print(lines(told, "red"), highlight=False)
        sys.exit(2)
