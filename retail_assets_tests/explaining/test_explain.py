"""A row's story, and the rows behind a figure."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner

from retail_assets.cli.app import app
from retail_assets.errors import UserError
from retail_assets.explaining.command import explanation
from retail_assets.explaining.entries import Catalog
from retail_assets.explaining.explanation import Explanation
from retail_assets.explaining.figure import explain_figure
from retail_assets.explaining.story import Story
from retail_assets.quality.held_back import RELEASED
from retail_assets_tests.conftest import Deployment

DAY = date(2024, 3, 12)
PERFORMANCE = "mart_sales.sales_performance"
LOCATIONS = "mart_analyst.mrt_location_analysis"
MEDIA = "mart_marketing.mrt_media_channels"
STOCK = "mart_analyst.mrt_inventory_analysis"


@dataclass
class Home:
    """A published copy in which an order, a line, a refused row and a consumer have a past of their own."""

    catalog: Catalog
    built: Deployment
    connection: duckdb.DuckDBPyConnection
    order: int = 0
    line: int = 0
    mended: int = 0
    consumer: int = 0
    email: str = ""

    def query(self, statement: str) -> Any:
        return self.connection.sql(statement).to_arrow_table()

    def one(self, statement: str) -> Any:
        (row,) = self.connection.execute(statement).fetchall()
        return row

    def story(self, table: str, *key: object) -> Explanation:
        story = Story(self.catalog, self.built.settings, self.query, lambda moment, day: f"run of {day}")
        return story.of(self.catalog.table(table), [str(each) for each in key])

    def held(self, mart: str, day: str) -> Iterator[tuple[date, Explanation]]:
        """The figures of some of a mart's days, each of which is what its rows sum to."""
        days = self.connection.execute(f"select distinct {day} from {mart} order by 1").fetchall()
        for (each,) in days[::20]:
            found = self.figure(mart, each)
            assert found.holds, (each, found.sentences)
            yield each, found

    def figure(self, mart: str = PERFORMANCE, day: date | None = DAY, *where: str) -> Explanation:
        return explain_figure(self.catalog, self.built.settings, self.query, mart, day, where)


def rows(found: Explanation, section: str) -> list[dict[str, Any]]:
    return [dict(row) for each in found.sections if each.name == section for row in each.rows]


@pytest.fixture(scope="module")
def home(built: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    path = built.settings.published_path
    # Views name the database, which is named after the file.
    copy = shutil.copyfile(path, tmp_path_factory.mktemp("explained") / path.name)
    with duckdb.connect(copy) as connection:
        home = Home(Catalog(built.manifest, built.settings), built, connection)
        home.order, home.line = home.one(f"""
            select sales_order_id, min(sales_order_detail_id)
            from staging.stg_sales_order_details
            where sales_order_id = (
                select min(sales_order_id) from staging.stg_sales_orders
                where order_date = date '{DAY}' and modified_at < timestamp '2024-03-15'
            )
            group by 1
        """)
        (home.mended,) = home.one(
            f"select max(sales_order_detail_id) from raw_erp.sales_order_detail"
            f" where sales_order_id <> {home.order} and _deleted_at is null and order_qty > 0"
        )
        home.consumer, home.email = home.one(
            "select consumer_id, consumer_email from raw_crm.consumers"
            " where consumer_email is not null order by 1 limit 1"
        )
        # On the 15th the order moved by two days and was cancelled, on the 16th a line went.
        connection.execute(f"""
            insert into raw_erp.sales_order_header
            select * replace (
                order_date + interval 2 day as order_date,
                '6' as status,
                timestamp '2024-03-15 08:00:00' as _modified_at,
                timestamp '2024-03-15 08:00:00' as _changed_at,
                _loaded_at + interval 1 hour as _loaded_at,
                -1 as _row_hash
            )
            from raw_erp.sales_order_header
            where sales_order_id = {home.order};
            update raw_erp.sales_order_detail set _deleted_at = timestamp '2024-03-16'
            where sales_order_id = {home.order} and sales_order_detail_id = {home.line};
            insert into raw_erp.sales_order_detail
            select * replace (
                0 as order_qty,
                _loaded_at + interval 1 hour as _loaded_at,
                timestamp '2024-03-16' as _deleted_at,
                -1 as _row_hash
            )
            from raw_erp.sales_order_detail
            where sales_order_detail_id = {home.mended};
            insert into raw_erp._refused_rows
                (table_name, row_key, column_name, value, reason, _row_hash, _changed_at, _deleted_at)
            values ('sales_order_detail', 'sales_order_id={home.order}, sales_order_detail_id=7',
                'order_qty', 'many', 'no number', 1, timestamp '2024-03-14', timestamp '2024-03-17');
            insert into raw_crm.consumers
            select * replace (
                'somebody@example.org' as consumer_email,
                loyalty_points + 5 as loyalty_points,
                timestamp '2024-03-15' as _changed_at,
                _loaded_at + interval 1 hour as _loaded_at,
                -1 as _row_hash
            )
            from raw_crm.consumers
            where consumer_id = {home.consumer};
        """)
        yield home


class TestStory:
    def test_has_what_changed_column_by_column(self, home: Home):
        events = rows(home.story("erp.sales_order_header", home.order), "versions")
        header = [each for each in events if each["table"] == "erp.sales_order_header"]
        (moved,) = home.one(
            f"select min(order_date) from raw_erp.sales_order_header where sales_order_id = {home.order}"
        )
        assert header[0]["what"] == "first seen"
        told = {each["column"]: each for each in header[1:]}
        assert set(told) == {"order_date", "status"}
        assert told["status"]["after"] == "6"
        assert told["order_date"]["before"] == str(moved)
        assert told["order_date"]["day"] == date(2024, 3, 15)
        assert told["order_date"]["run"] == "run of 2024-03-15"

    def test_has_the_lines_and_deletions(self, home: Home):
        found = home.story("erp.sales_order_header", home.order)
        events = rows(found, "versions")
        key = f"sales_order_id={home.order}, sales_order_detail_id={home.line}"
        went = [each for each in events if each["what"] == "deleted in the source"]
        assert [(each["key"], each["day"]) for each in went] == [(key, date(2024, 3, 16))]
        now = {each["sales_order_detail_id"] for each in rows(found, "erp.sales_order_detail")}
        seen = home.connection.execute(
            "select sales_order_detail_id from raw_erp.sales_order_detail"
            f" where sales_order_id = {home.order}"
        ).fetchall()
        assert now == {each for (each,) in seen} - {home.line}

    def test_has_the_days_of_all_versions(self, home: Home):
        days = rows(home.story("erp.sales_order_header", home.order), "days")
        assert [each["day"] for each in days[:2]] == [DAY, date(2024, 3, 14)]
        assert days[1]["since"] == date(2024, 3, 15)

    def test_has_the_order_in_the_facts(self, home: Home):
        facts = rows(home.story("erp.sales_order_header", home.order), "warehouse.fact_sales")
        (lines, total) = home.one(
            f"select count(*), sum(line_total) from warehouse.fact_sales where sales_order_id = {home.order}"
        )
        assert lines == len(facts) > 0
        assert sum(each["line_total"] for each in facts) == total

    def test_names_the_marts(self, home: Home):
        marts = {
            each["mart"]: each for each in rows(home.story("erp.sales_order_header", home.order), "marts")
        }
        assert marts[PERFORMANCE]["as listed by"] == "affected.affected_sales_days"
        assert marts[PERFORMANCE]["figures can be explained"]
        assert "mart_analyst.mrt_inventory_analysis" not in marts

    def test_has_refused_rows_that_raw_never_had(self, home: Home):
        (refused,) = rows(home.story("erp.sales_order_header", home.order), "quarantine")
        assert (refused["reason"], refused["value"]) == ("no number", "many")
        assert (refused["since"], refused["until"]) == (date(2024, 3, 14), date(2024, 3, 17))

    @pytest.mark.parametrize(
        ("table", "model", "key"),
        [
            (
                "erp.sales_order_header",
                "stg_sales_order_details",
                "'sales_order_id=' || sales_order_id || ', sales_order_detail_id=' || sales_order_detail_id",
            ),
            ("webshop.orders", "stg_webshop_order_items", "'order_item_id=' || order_item_id"),
        ],
    )
    def test_says_that_a_line_is_held_back(self, home: Home, table: str, model: str, key: str):
        """By the order, although it is the line that a rule holds back."""
        order_id = "sales_order_id" if table.startswith("erp") else "order_id"
        held, order, reason = home.one(f"""
            select row_key, {order_id}, reason
            from staging.quarantine
            inner join staging.{model}_versions on row_key = {key}
            where model_name = '{model}' and {order_id} is not null
            order by row_key limit 1
        """)
        found = home.story(table, order)
        assert {(each["key"], each["reason"]) for each in rows(found, "quarantine")} == {(held, reason)}
        assert any(reason in sentence for sentence in found.sentences)

    def test_says_what_was_released(self, home: Home):
        (row_hash,) = home.one(
            "select min(_row_hash) from raw_erp.sales_order_header"
            f" where sales_order_id = {home.order} and _row_hash <> -1"
        )
        home.connection.execute("begin")
        home.connection.execute(f"""
            create table {RELEASED} as select 'stg_sales_orders' as model_name, {row_hash} as row_hash,
                'too odd' as reason, 'anna' as released_by, now() as released_at, 'a gift' as why
        """)
        found = home.story("erp.sales_order_header", home.order)
        home.connection.execute("rollback")
        (told,) = rows(found, "released")
        assert (told["key"], told["by"]) == (f"sales_order_id={home.order}", "anna")

    def test_follows_what_a_shop_really_changed(self, home: Home):
        """A status in raw's versions is what the story has, one after the other."""
        (order,) = home.one("select min(order_id) from raw_webshop.orders where status = 'Complete'")
        seen = home.connection.execute(
            f"select status from raw_webshop.orders where order_id = {order} order by _modified_at"
        ).fetchall()
        events = rows(home.story("webshop.orders", order), "versions")
        told = [
            (each["before"], each["after"])
            for each in events
            if (each["table"], each["column"]) == ("webshop.orders", "status")
        ]
        assert told == [(one, other) for (one,), (other,) in pairwise(seen)]
        assert told

    def test_shows_no_personal_data(self, home: Home):
        found = home.story("crm.consumers", home.consumer)
        told = json.dumps([[dict(row) for row in each.rows] for each in found.sections], default=str)
        assert home.email not in told
        assert "somebody@example.org" not in told
        changed = {each["column"]: each for each in rows(found, "versions") if each["what"] == "changed"}
        assert changed["consumer_email"]["after"] == "(personal)"
        before, after = (Decimal(changed["loyalty_points"][each]) for each in ("before", "after"))
        assert after - before == 5

    def test_a_line_that_is_as_it_was_is_not_said_to_be_deleted(self, home: Home):
        (order,) = home.one(
            f"select any_value(sales_order_id) from raw_erp.sales_order_detail"
            f" where sales_order_detail_id = {home.mended}"
        )
        found = home.story("erp.sales_order_detail", order, home.mended)
        said = [each["what"] for each in rows(found, "versions")]
        assert said[-1] == "taken back: the row is again as it was before"
        assert "deleted in the source" not in said

    def test_refuses_what_never_was(self, home: Home):
        with pytest.raises(UserError, match=r"No row of erp.sales_order_header has ever had the key 1"):
            home.story("erp.sales_order_header", 1)
        with pytest.raises(UserError, match="'1x' is no number, and sales_order_id"):
            home.story("erp.sales_order_header", "1x")
        with pytest.raises(UserError, match="sales_order_id, sales_order_detail_id: write 2, not 1"):
            home.story("erp.sales_order_detail", 1)
        with pytest.raises(UserError, match=r"did you mean `erp.sales_order_header`"):
            home.story("erp.sales_order_headr", 1)


class TestFigure:
    @pytest.mark.parametrize("name", [
        "mart_analyst.mrt_product_analysis", "mart_sales.customer_analysis", "mart_sales.discount_impact",
        "mart_sales.product_demand", PERFORMANCE,
    ])  # fmt: skip
    def test_is_what_its_rows_sum_to(self, home: Home, name: str):
        """On some days; the sum of the rows that are shown is the mart's, by another way."""
        assert name in home.catalog.explained()
        for day, found in home.held(name, "sales_date"):
            facts = rows(found, "warehouse.wh_fact_sales")
            (sales,) = home.one(f"select sum(net_sales) from {name} where sales_date = date '{day}'")
            assert sum(each["net_amount"] for each in facts) == sales

    def test_all_that_say_how_are_tested(self, home: Home):
        (tested,) = [mark.args[1] for mark in TestFigure.test_is_what_its_rows_sum_to.pytestmark]
        assert sorted([*tested, STOCK, LOCATIONS, MEDIA]) == home.catalog.explained()

    def test_of_a_place_is_where_consumers_lived_on_the_day(self, home: Home):
        """By state, as of the day: a sale is in three rows of the mart, and in one of these."""
        for day, found in home.held(LOCATIONS, "sales_date"):
            facts = rows(found, "warehouse.wh_fact_sales")
            (sales,) = home.one(
                f"select sum(net_sales) from {LOCATIONS}"
                f" where sales_date = date '{day}' and location_type = 'country'"
            )
            assert sum(each["net_amount"] for each in facts) == sales
        country, state, orders = home.one(
            f"select country, state_province, orders from {LOCATIONS} where sales_date = date '{DAY}'"
            " and location_type = 'state' and state_province is not null order by 3 desc, 2 limit 1"
        )
        found = home.figure(LOCATIONS, DAY, f"state_province={state}", f"country={country}")
        facts = rows(found, "warehouse.wh_fact_sales")
        assert found.holds
        assert {(each["country"], each["state_province"]) for each in facts} == {(country, state)}
        assert len({(each["source_system"], each["order_id"]) for each in facts}) == orders

    def test_of_a_media_channel_is_what_was_reported_and_what_it_is_owed(self, home: Home):
        assert [*home.held(MEDIA, "activity_date")]
        channel, spend, revenue = home.one(
            f"select media_channel_id, spend, linear_revenue from {MEDIA} where activity_date = date '{DAY}'"
            " and spend > 0 and linear_revenue > 0 order by 3 desc limit 1"
        )
        found = home.figure(MEDIA, DAY, f"media_channel_id={channel}")
        reported = rows(found, "staging.stg_campaign_performance")
        owed = rows(found, "warehouse.wh_fact_attribution")
        assert found.holds
        assert sum(each["spend"] for each in reported) == spend
        assert sum(each["attributed_revenue"] for each in owed if each["rule"] == "linear") == revenue

    def test_of_stock_is_what_was_counted_and_moved(self, home: Home):
        assert [*home.held(STOCK, "snapshot_date")]
        center, sku, sold = home.one(
            f"select distribution_center_id, sku, units_sold from {STOCK} where snapshot_date = date '{DAY}'"
            " order by 3 desc limit 1"
        )
        found = home.figure(STOCK, DAY, f"distribution_center_id={center}", f"sku={sku}")
        moved = rows(found, "staging.stg_stock_movements")
        assert sum(abs(each["quantity_change"]) for each in moved if each["movement_type"] == "sale") == sold
        assert len(rows(found, "staging.stg_inventory")) == 1
        # Stock is no matter of orders.
        assert not any("order" in each for each in found.sentences)

    def test_of_a_filter_has_only_its_rows(self, home: Home):
        territory, channel, sales = home.one(
            f"select territory_id, sales_channel, net_sales from {PERFORMANCE}"
            f" where sales_date = date '{DAY}' and territory_id is not null order by 3 desc limit 1"
        )
        found = home.figure(PERFORMANCE, DAY, f"territory_id={territory}", f"sales_channel={channel}")
        facts = rows(found, "warehouse.wh_fact_sales")
        assert found.holds
        assert {(each["territory_id"], each["sales_channel"]) for each in facts} == {(territory, channel)}
        assert sum(each["net_amount"] for each in facts) == sales

    def test_of_what_is_null(self, home: Home):
        facts = rows(home.figure(PERFORMANCE, DAY, "territory_id="), "warehouse.wh_fact_sales")
        assert facts
        assert {each["sales_channel"] for each in facts} == {"webshop"}

    def test_says_what_of_the_day_is_held_back(self, home: Home):
        """A line by a rule, and one that was refused and is no row of raw. A deleted one is not told."""
        told = "Held back of"
        before = home.figure()
        assert not [each for each in before.sentences if told in each]
        order, lines = home.one(f"""
            select sales_order_id, count(*) from staging.stg_sales_order_details
            where sales_order_id <> {home.order} and sales_order_id in (
                select sales_order_id from staging.stg_sales_orders where order_date = date '{DAY}'
            )
            group by 1 order by 2 desc, 1 limit 1
        """)
        home.connection.execute("begin")
        home.connection.execute(f"""
            insert into staging.quarantine by name
            select 'stg_sales_order_details' as model_name,
                'sales_order_id=' || sales_order_id || ', sales_order_detail_id=' || sales_order_detail_id
                    as row_key,
                _row_hash as row_hash, 'no pieces' as reason, 12.5 as amount, false as is_refused
            from raw_erp.sales_order_detail where sales_order_id in ({order}, {home.order})
            union all
            select 'stg_sales_order_details', 'sales_order_id={home.order}, sales_order_detail_id=99',
                7, 'no number', 30, true
            union all
            select 'stg_sales_order_details', 'sales_order_id=0, sales_order_detail_id=1',
                8, 'no number', 5, true
        """)
        found = home.figure()
        other = home.figure(PERFORMANCE, DAY + timedelta(days=20))
        home.connection.execute("rollback")
        held = rows(found, "held back")
        assert {each["table"] for each in held} == {"erp.sales_order_detail"}
        assert f"sales_order_id={home.order}, sales_order_detail_id={home.line}" not in {
            each["key"] for each in held
        }
        assert len(held) == lines + 1
        (sentence,) = (each for each in found.sentences if told in each)
        assert f"{sum(each['amount'] for each in held):,.2f}" in sentence
        assert not rows(other, "held back")

    def test_says_what_changed_since(self, home: Home):
        """The order that moved away, though it is still behind the figure: no run has taken that in yet."""
        changes = [
            each
            for each in rows(home.figure(), "changes")
            if each["order"] == str(home.order) and each["table"] == "erp.sales_order_header"
        ]
        assert {(each["column"], each["after"]) for each in changes} >= {("status", "6")}
        assert all(each["behind it"] and each["day"] > DAY for each in changes)

    def test_says_what_was_on_the_day_and_left(self, home: Home):
        """As after the run that takes the move in: the facts have the order on its new day."""
        home.connection.execute("begin")
        home.connection.execute(f"""
            update warehouse.wh_fact_sales set order_date = date '2024-03-14'
            where source_system = 'erp' and order_id = '{home.order}'
        """)
        found = home.figure()
        home.connection.execute("rollback")
        assert not found.holds
        left = [each for each in rows(found, "changes") if each["order"] == str(home.order)]
        assert left
        assert not any(each["behind it"] for each in left)

    def test_that_is_another_than_its_rows_is_told(self, home: Home):
        home.connection.execute("begin")
        home.connection.execute(f"""
            update {PERFORMANCE} set net_sales = net_sales + 1
            where sales_date = date '{DAY}' and sales_channel = 'webshop'
        """)
        found = home.figure()
        home.connection.execute("rollback")
        assert not found.holds
        wrong = {each["figure"]: each for each in rows(found, "figures") if not each["equal"]}
        assert set(wrong) == {"net_sales"}
        assert wrong["net_sales"]["in the mart"] - wrong["net_sales"]["of its rows"] == 1
        assert "are not what their rows sum to: net_sales" in found.sentences[0]

    def test_refuses_what_cannot_be_explained(self, home: Home):
        with pytest.raises(UserError, match="mrt_customer_analysis does not say which rows"):
            home.figure("mart_analyst.mrt_customer_analysis")
        with pytest.raises(UserError, match="customer_lifetime_value does not say which rows"):
            home.figure("mart_lifetime_value.customer_lifetime_value")
        with pytest.raises(UserError, match=r"There is no mart mart_sales.nothing"):
            home.figure("mart_sales.nothing")
        with pytest.raises(UserError, match=r"no such row. Its days are 2024-03-01 to 2024-04-09"):
            home.figure(PERFORMANCE, date(2020, 1, 1))
        with pytest.raises(UserError, match="has no column colour"):
            home.figure(PERFORMANCE, DAY, "colour=red")
        with pytest.raises(UserError, match="Say of which day"):
            home.figure(PERFORMANCE, None)


class TestCommand:
    @pytest.fixture
    def run(self, built: Deployment, monkeypatch: pytest.MonkeyPatch) -> Any:
        for name, value in built.environment.items():
            monkeypatch.setenv(name, value)
        return lambda *arguments: CliRunner().invoke(app, ["explain", *arguments])

    def test_writes_csv_and_json(self, run: Any, home: Home):
        arguments = ["mart_sales.sales_performance", "--day", str(DAY), "--format"]
        as_json = [json.loads(line) for line in run(*arguments, "json").stdout.splitlines()]
        as_csv = run(*arguments, "csv")
        assert {each["section"] for each in as_json} >= {"figures", "warehouse.wh_fact_sales"}
        assert len(as_csv.stdout.splitlines()) == len(as_json) + 1
        assert "each of its 15 figures is what its rows sum to" in " ".join(as_csv.stderr.split())

    def test_knows_the_run(self, run: Any, built: Deployment):
        (order,) = built.query("select min(sales_order_id) from raw_erp.sales_order_header")[0]
        told = [
            json.loads(line)
            for line in run("order", "erp", str(order), "--format", "json").stdout.splitlines()
        ]
        runs = {each["run"] for each in told if each["section"] == "versions"}
        assert len(runs) == 1
        assert None not in runs

    def test_shows_tables(self, run: Any, built: Deployment):
        (order,) = built.query("select min(sales_order_id) from raw_erp.sales_order_header")[0]
        shown = run("order", "erp", str(order))
        assert shown.exit_code == 0
        assert "erp.sales_order_header: 1 row in 1 version." in shown.stdout

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["order", "erp"], "Write its system and number"),
            (["order", "crm", "1"], "crm has no table of orders"),
            (["order", "shop", "1"], "There is no system shop"),
            (["mart_sales.sales_performance", "1"], "A mart has no key here"),
        ],
    )
    def test_says_what_is_wrong(self, home: Home, arguments: list[str], said: str):
        what, *key = arguments
        with pytest.raises(UserError, match=said):
            explanation(home.catalog, home.built.settings, home.query, what, key, None, [])

    def test_refuses_a_day_of_a_row(self, home: Home):
        with pytest.raises(UserError, match="A row is chosen by its key"):
            explanation(home.catalog, home.built.settings, home.query, "erp.customer", ["1"], DAY, [])
