"""The desk over the quarantine: what it shows, and what it refuses to release."""

import io
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import duckdb
import pytest
from rich.console import Console

from retail_assets.cli.summary import RunResult
from retail_assets.errors import UserError
from retail_assets.explaining.entries import Catalog
from retail_assets.quarantine import command, releases
from retail_assets.quarantine.desk import Desk
from retail_assets.resources.warehouse import warehouse_of
from retail_assets_tests.conftest import Deployment

GIFTS = "the number of items is not above 0"


@pytest.fixture(scope="module")
def home(built: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """A copy, with a row that could not be loaded."""
    folder = tmp_path_factory.mktemp("desk")
    copy = Deployment(built.settings.model_copy(update={"home": folder}))
    copy.settings.published_path.parent.mkdir()
    shutil.copytree(built.settings.home / "dbt", folder / "dbt")
    shutil.copyfile(built.settings.published_path, copy.settings.duckdb_path)
    with duckdb.connect(copy.settings.duckdb_path) as connection:
        connection.execute("""
            insert into raw_erp._refused_rows
                (table_name, row_key, column_name, value, reason, _row_hash, _changed_at, _loaded_at, origin)
            values ('sales_order_detail', 'sales_order_id=7, sales_order_detail_id=8', 'order_qty', 'many',
                'no decimal(18,4)', 5, timestamp '2024-03-14', timestamp '2024-03-15', null)
        """)
    shutil.copyfile(copy.settings.duckdb_path, copy.settings.published_path)
    return copy


@contextmanager
def _desk(home: Deployment) -> Iterator[Desk]:
    with warehouse_of(home.settings).reading() as query:
        yield Desk(Catalog(home.manifest, home.settings), "UTC", query)


@pytest.fixture
def desk(home: Deployment) -> Iterator[Desk]:
    with _desk(home) as open_desk:
        yield open_desk


def test_counts_are_those_of_the_quarantine(desk: Desk, built: Deployment):
    counts = desk.counts()
    ((rows, amount),) = built.query("select count(*), sum(amount) from staging.quarantine")
    assert sum(each["rows"] for each in counts) == rows > 0
    assert sum(each["amount"] or 0 for each in counts) == amount
    assert all(each["since"] <= each["newest"] for each in counts)
    (gifts,) = [each for each in counts if each["table"] == "webshop.orders"]
    assert (gifts["reason"], gifts["rows"]) == (GIFTS, 2)
    assert desk.counts("webshop.orders") == [gifts]


def test_rows_have_what_is_wrong(desk: Desk, built: Deployment):
    held = desk.rows("webshop.orders")
    keys = built.query("select row_key from staging.quarantine where model_name = 'stg_webshop_orders'")
    assert {each.key for each in held} == {key for (key,) in keys}
    assert {each.value for each in held} == {"item_count=0"}
    assert all(each.loaded_at for each in held)


def test_rows_that_could_not_be_loaded_are_among_them(desk: Desk):
    (refused,) = [each for each in desk.rows("erp.sales_order_detail") if each.is_refused]
    assert (refused.value, refused.since) == ("order_qty=many", date(2024, 3, 14))
    assert refused.line["what"] == "refused: not in raw"


def test_personal_data_is_not_shown(desk: Desk):
    """A user's age is why the row is held back, and stays untold."""
    held = desk.rows("webshop.users")
    assert {each.reason for each in held} == {"the age is below 0 or above 120"}
    assert all(each.value is None for each in held)


def test_rows_are_chosen_by_key_and_reason(desk: Desk):
    one, other = desk.rows("webshop.orders")
    assert desk.rows("webshop.orders", [one.key.partition("=")[2]]) == [one]
    assert desk.rows("webshop.orders", reason="Not above") == [one, other]
    with pytest.raises(UserError, match=r"No row of webshop.orders with the key 1 is in quarantine"):
        desk.rows("webshop.orders", ["1"])
    with pytest.raises(UserError, match="is held back for 'colour'"):
        desk.rows("webshop.orders", reason="colour")
    with pytest.raises(UserError, match=r"Nothing of erp.customer is in quarantine"):
        desk.rows("erp.customer")


@pytest.mark.parametrize(
    ("table", "reason", "said"),
    [
        ("erp.sales_order_detail", "no decimal", "was refused: it is not in raw"),
        ("erp.sales_return", "has no date", "cannot be released: 'the return has no date'"),
        ("erp.sales_order_detail", "is missing or 0", "Those that can be: the quantity and the line total"),
    ],
)
def test_what_cannot_be_released_says_why(desk: Desk, table: str, reason: str, said: str):
    with pytest.raises(UserError, match=said):
        releases.releasable(desk.table(table), desk.rows(table, reason=reason))


class TestCommands:
    """With a stand-in for the run, which does what staging would."""

    @pytest.fixture
    def said(self, home: Deployment, monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
        for name, value in home.environment.items():
            monkeypatch.setenv(name, value)
        self.runs: list[tuple[date, date]] = []
        monkeypatch.setattr("retail_assets.cli.launch.run_range", self._run)
        self.home = home
        return io.StringIO()

    def _run(self, first: date, last: date, *_: Any, **__: Any) -> Any:
        self.runs.append((first, last))
        settings = self.home.settings
        with duckdb.connect(settings.duckdb_path) as connection:
            if connection.execute("from duckdb_tables() where table_name = 'released_rows'").fetchall():
                connection.execute(
                    "delete from staging.quarantine where (model_name, row_hash)"
                    " in (select model_name, row_hash from quality.released_rows)"
                )
        shutil.copyfile(settings.duckdb_path, settings.published_path)
        return RunResult(True, 0.0, 1)

    def test_release_is_on_record_and_can_be_taken_back(self, said: io.StringIO):
        out = Console(file=said, width=200)
        with _desk(self.home) as desk:
            row = desk.rows("webshop.orders")[0]
        key = row.key.partition("=")[2]
        assert command.release(out, out, "webshop.orders", [key], "", "a gift", "anna")
        assert self.runs == [(row.since, row.since)]
        assert "1 of 1 row of webshop.orders left the quarantine." in said.getvalue()
        command.show_counts(out, out, "webshop.orders", "table")
        assert "1 row in quarantine." in said.getvalue()
        (recorded,) = self.home.query(
            "select model_name, row_key, row_hash, reason, released_by, why from quality.released_rows"
        )
        assert recorded == ("stg_webshop_orders", row.key, row.row_hash, GIFTS, "anna", "a gift")
        assert command.withdraw(out, out, "webshop.orders", [key])
        assert self.runs == [(row.since, row.since)] * 2
        assert self.home.query("select * from quality.released_rows") == []
        with pytest.raises(UserError, match="with the key 1 was released"):
            command.withdraw(out, out, "webshop.orders", ["1"])

    def test_retry_runs_the_days_and_says_what_stays(self, said: io.StringIO):
        out = Console(file=said, width=200)
        with _desk(self.home) as desk:
            rows = desk.rows("erp.sales_return")
        assert command.retry(out, out, "erp.sales_return", [], "")
        assert self.runs == [(min(each.since for each in rows), max(each.since for each in rows))]
        assert (
            f"0 of {len(rows)} rows of erp.sales_return left the quarantine. Still there:" in said.getvalue()
        )
