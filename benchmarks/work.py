"""What the measured processes do: `python -m benchmarks.work <name> <arguments>`.

Each function imports what it needs itself, so that a process pays only for its own.
"""

import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from benchmarks import segment_work

ORDERS, LINES = "sales_order_header", "sales_order_detail"
LINES_AT_SOURCE = "SalesOrderDetail"

# One reading in two processes: orders while preparing, lines while measured.
_READ_AT = datetime(2000, 1, 1, tzinfo=UTC)


def simulate(consumers: str, days: str, first: str, folder: str, *systems: str) -> None:
    """Write simulated sources: the named systems, or all."""
    from simulated_retailer import simulate, write_sources

    start = date.fromisoformat(first)
    retailer = simulate(consumers=int(consumers), days=int(days), start=start)
    write_sources(retailer, Path(folder), systems=systems or None)


def parse() -> None:
    """Parse the dbt project in a home, as the first process of a deployment does."""
    from retail_assets.catalog.project import Project
    from retail_assets.deployment.home import prepare
    from retail_assets.settings import settings

    prepare(settings())
    Project(settings()).prepare()


def ingest(first: str, last: str, system: str, *names: str) -> None:
    """Our ingestion of a system without Dagster: the named tables, or all, for a range of days."""
    from retail_assets.catalog.contract import source_tables
    from retail_assets.catalog.project import Project
    from retail_assets.deployment.home import prepare
    from retail_assets.ingestion.extraction import Extraction
    from retail_assets.ingestion.load import ingest
    from retail_assets.ingestion.sources import open_source
    from retail_assets.resources.warehouse import warehouse_of
    from retail_assets.settings import settings
    from retail_assets.windows import Window

    prepare(settings())
    tables = source_tables(Project(settings()).manifest, system)
    source = open_source(settings(), tables)
    tables = source.tables
    chosen = [table for table in tables if not names or table.name in names]
    start = datetime.fromisoformat(first).replace(tzinfo=UTC)
    end = datetime.fromisoformat(last).replace(tzinfo=UTC) + timedelta(days=1)
    read_at = _READ_AT if len(chosen) < len(tables) else datetime.now(UTC)
    extraction = Extraction(source, Window(start, end), read_at)
    extraction.locate(tables)
    warehouse = warehouse_of(settings())
    with warehouse.writing(say=print):
        ingest(extraction, tables, chosen, warehouse, settings().home / "dlt",
               lambda pipeline, source: pipeline.run(source, loader_file_format="parquet"))  # fmt: skip


def ingest_all(first: str, last: str) -> None:
    """The same of all systems of the deployment, one after the other."""
    from retail_assets.settings import settings

    for system in settings().systems:
        ingest(first, last, system)


def ingest_with_dlt_default() -> None:
    """The order lines through dlt's own `sql_database`, as its documentation begins."""
    import dlt
    from dlt.sources.sql_database import sql_table

    from retail_assets.settings import settings

    table = sql_table(settings().source_url("erp"), table=LINES_AT_SOURCE)
    home = settings().home
    pipeline = dlt.pipeline(
        "plain",
        dataset_name="baseline",
        destination=dlt.destinations.duckdb(str(home / "plain.duckdb")),
        pipelines_dir=str(home / "dlt"),
    )
    pipeline.run(table)


def ingest_with_adbc() -> None:
    """The order lines from ADBC into a DuckDB table, with nothing in between."""
    import adbc_driver_sqlite.dbapi as adbc
    import duckdb

    from retail_assets.settings import settings

    path = settings().source_url("erp").removeprefix("sqlite:///")
    with (
        adbc.connect(f"file:{path}?mode=ro") as erp,
        erp.cursor() as cursor,
        duckdb.connect(settings().home / "plain.duckdb") as warehouse,
    ):
        # The driver takes a column's type from its first rows, where an amount may look whole.
        cursor.execute(f"pragma table_info({LINES_AT_SOURCE})")
        columns = ", ".join(
            f"cast({name} as real) as {name}" if kind.startswith("NUMERIC") else name
            for _, name, kind, *_ in cursor.fetchall()
        )
        cursor.execute(f"select {columns} from {LINES_AT_SOURCE}")
        warehouse.register("lines", cursor.fetch_record_batch())
        warehouse.execute("create table lines_raw as select * from lines")


def serve_lines(lines: str) -> None:
    """A server of SQL Server's protocol with order lines; prints its URLs."""
    import time
    from decimal import Decimal

    from benchmarks.sql_server import DISTINCT
    from retail_assets_tests.ingestion.tds import Relation, Server, running

    columns = {
        "SalesOrderID": "int",
        "SalesOrderDetailID": "int",
        "CarrierTrackingNumber": "nvarchar(25)",
        "OrderQty": "smallint",
        "ProductID": "int",
        "SpecialOfferID": "int",
        "UnitPrice": "money",
        "UnitPriceDiscount": "money",
        "LineTotal": "numeric(38,6)",
        "rowguid": "uniqueidentifier",
        "ModifiedDate": "datetime",
    }
    first = datetime(2024, 1, 1, tzinfo=UTC).replace(tzinfo=None)
    rows = [
        (
            number // 4, number, f"{number:04X}-4F2B-98" if number % 2 else None, number % 9 + 1,
            number % 500, 1, Decimal(number) / 4, Decimal(0), Decimal(number * 3) / 8,
            f"{number:08x}-0000-4000-8000-000000000000", first + timedelta(minutes=number),
        )
        for number in range(DISTINCT)
    ]  # fmt: skip
    tables = {f"dbo.{LINES_AT_SOURCE}": Relation(columns, rows)}
    with running(Server(tables, times=int(lines) // DISTINCT)) as server:
        print(server.url("mssqlpython"), server.url("pymssql"), flush=True)
        while True:
            time.sleep(60)


def read_lines(url: str, lines: str) -> None:
    """All columns of these order lines, as the driver at hand is read."""
    import sqlalchemy as sa

    from retail_assets.catalog.contract import SourceColumn
    from retail_assets.ingestion import database_errors, databases
    from retail_assets.ingestion.database_rows import DatabaseRows
    from retail_assets.ingestion.database_tables import DatabaseTables

    engine = databases.engine_of("erp", url)

    def failure(error: Exception) -> Exception:
        return database_errors.failure("erp", url, error)

    found = DatabaseTables(engine, failure).columns(LINES_AT_SOURCE, None)
    table = sa.table(LINES_AT_SOURCE, *(sa.column(column.name, column.type) for column in found))
    columns = [SourceColumn(column.name, "varchar", "", False) for column in found]
    batches = DatabaseRows(engine, None, failure).read(sa.select(*table.c), columns)
    read = sum(batch.num_rows for batch in batches)
    assert read == int(lines), read


_WORK: dict[str, Callable[..., None]] = {
    function.__name__: function
    for function in (
        simulate,
        parse,
        ingest,
        ingest_all,
        ingest_with_dlt_default,
        ingest_with_adbc,
        serve_lines,
        read_lines,
        segment_work.train_segments,
        segment_work.assign_segments,
        segment_work.profile_segments,
        segment_work.predict_segments,
        segment_work.fit_once,
        segment_work.fit_several,
    )
}

if __name__ == "__main__":
    _WORK[sys.argv[1]](*sys.argv[2:])
