"""Law 3. Amounts are exact decimals; lines sum to their order to the last digit, marts sum to facts."""

import re
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from retail_assets.catalog.project import PROJECT_DIR


def test_no_amount_is_a_float(built):
    floats = built.query(
        "select schema_name, table_name, column_name, data_type from duckdb_columns()"
        " where not internal and data_type in ('DOUBLE', 'FLOAT') and table_name not like '_dlt%'"
        # Where something is, is no amount.
        " and column_name not in ('latitude', 'longitude')"
    )
    assert floats == []


def test_lines_sum_to_their_orders(built):
    differences = built.query("""
        select o.sales_order_id
        from staging.stg_sales_orders as o
        inner join (
            select sales_order_id, sum(allocated_subtotal) as subtotal, sum(allocated_tax) as tax,
                   sum(allocated_freight) as freight, sum(allocated_total_due) as total_due
            from warehouse.fact_sales group by sales_order_id
        ) as l using (sales_order_id)
        where (o.subtotal, o.tax, o.freight, o.total_due) <> (l.subtotal, l.tax, l.freight, l.total_due)
    """)
    assert differences == []


def test_marts_sum_to_facts(built):
    (facts,) = built.query(
        "select sum(quantity), sum(net_amount), sum(tax), sum(freight), sum(total_due)"
        " from warehouse.wh_fact_sales where is_sale"
    )
    (refunds,) = built.query("select sum(refund_amount) from warehouse.wh_fact_sales_returns")
    assert facts[0] > 1000
    assert refunds[0] > 0
    for mart in ("sales_performance", "customer_analysis", "product_demand"):
        (sums,) = built.query(
            "select sum(quantity), sum(net_sales), sum(tax), sum(freight), sum(total_due)"
            f" from mart_sales.{mart}"
        )
        assert sums == facts, mart
        assert built.query(f"select sum(refund_amount) from mart_sales.{mart}") == [refunds], mart
    assert built.query("select sum(quantity), sum(net_sales) from mart_sales.discount_impact") == [facts[:2]]


CHANNELS = (
    "sum(quantity), sum(gross_amount), sum(discount_amount), sum(net_amount), sum(line_cost), sum(margin)"
)
MARTS_OF_CHANNELS = {
    "mrt_product_analysis": "true",
    "mrt_location_analysis": "location_type = 'state'",
    "mrt_customer_analysis": "true",
}


def test_channels_sum_to_the_facts_of_each_system(built):
    erp = built.query(
        "select sum(quantity), sum(gross_amount), sum(discount_amount), sum(line_total), sum(line_cost),"
        " sum(line_total - line_cost), sum(allocated_tax), sum(allocated_freight), sum(allocated_total_due)"
        " from warehouse.fact_sales"
    )
    all_sums = f"{CHANNELS}, sum(tax), sum(freight), sum(total_due)"
    assert built.query(f"select {all_sums} from warehouse.wh_fact_sales where source_system = 'erp'") == erp
    items = built.query(f"""
        select count(*), sum(sale_price)
        from (
            select distinct id, cast(sale_price as decimal(18, 6)) as sale_price
            from read_csv('{built.sources}/webshop/order_items/*')
        ) as items
        where 'order_item_id=' || id not in (
            select row_key from staging.quarantine where model_name = 'stg_webshop_order_items'
        )
    """)
    assert items[0][0] > 1000
    facts = (
        "select sum(quantity), sum(net_amount) from warehouse.wh_fact_sales where source_system = 'webshop'"
    )
    assert built.query(facts) == items


@pytest.mark.parametrize("mart", MARTS_OF_CHANNELS)
def test_marts_of_channels_sum_to_facts(built, mart):
    """What nobody is known for is in them too, as the unknown member."""
    sales = built.query(f"select {CHANNELS} from warehouse.wh_fact_sales where is_sale")
    refunds = built.query("select sum(refund_amount) from warehouse.wh_fact_sales_returns")
    unknown = "select count(*) from warehouse.wh_fact_sales where consumer_key = repeat('0', 32)"
    assert built.query(unknown) > [(0,)]
    where = MARTS_OF_CHANNELS[mart]
    sums = built.query(
        "select sum(quantity), sum(gross_sales), sum(discount_amount), sum(net_sales), sum(cost), sum(margin)"
        f" from mart_analyst.{mart} where {where}"
    )
    assert sums == sales
    assert built.query(f"select sum(refund_amount) from mart_analyst.{mart} where {where}") == refunds
    assert refunds[0][0] > 0


def test_facts_sum_to_the_source(built, retailer):
    """The truth: what the simulation's versions that stand at the end sum to."""
    import sqlite3

    with sqlite3.connect(built.erp) as erp:
        (orders,) = erp.execute(
            "select count(*) from SalesOrderHeader h where exists"
            " (select 1 from SalesOrderDetail d where d.SalesOrderID = h.SalesOrderID and OrderQty > 0)"
        ).fetchone()
    assert built.query("select count(distinct sales_order_id) from warehouse.fact_sales") == [(orders,)]


# What makes doubles of decimals: types, and functions of statistics.
DOUBLES = re.compile(
    r"\b(double|float[48]?|real|double_quotient)\b|\b(avg|mean|median|fsum|kahan_sum|favg|stddev\w*|variance|var_\w+|sqrt"
    r"|exp|ln|pow|power)\s*\(|[^/*]/[^/*]",
    re.IGNORECASE,
)
# No amount: where something is, and weights. Estimates of statistics are rounded to decimals at their end.
WITH_DOUBLES = {
    "allocation.sql": "the quotient of a dividend without its remainder, on Snowflake",
    "geography.sql": "kilometres",
    "product_affinity.sql": "weights of pairs",
    "statistics.sql": "estimates",
    "values.sql": "`decayed`, whose rows are rounded before they are summed; `double_quotient` itself",
    "weeks.sql": "a number of weeks",
    "wh_fact_offer_uplift.sql": "estimates",
}


def test_no_sum_is_of_doubles():
    """Types of columns do not tell: a sum of doubles may be cast to a decimal, and differs by the order."""
    found = set()
    for folder in ("models", "macros"):
        for path in (PROJECT_DIR / folder).rglob("*.sql"):
            sql = re.sub(r"\{#.*?#\}|--[^\n]*|'[^']*'", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
            sql = re.sub(r"cast\(null as double\) as (latitude|longitude)\b", "", sql)
            if DOUBLES.search(sql):
                found.add(path.name)
    assert found == set(WITH_DOUBLES)


def _macros():
    """Those of amounts, as dbt renders them for DuckDB."""
    from jinja2 import Environment

    source = "".join(
        # dbt's own macros are not known here.
        (PROJECT_DIR / "macros" / name).read_text().replace("dbt.datediff", "datediff")
        for name in ("allocation.sql", "values.sql")
    )

    class Adapter:
        def dispatch(self, name):
            return getattr(module, f"default__{name}")

    environment = Environment()
    environment.globals["adapter"] = Adapter()
    module: Any = environment.from_string(source).module
    return module


MACROS = _macros()
ALLOCATION = str(MACROS.allocate("amount", "cumulative", "total", "order by n"))
RATIO = str(MACROS.ratio("a", "b"))


def _quotient(dividend: Decimal, divisor: Decimal) -> Decimal | None:
    """To six digits, half away from zero."""
    if not divisor:
        return None
    with localcontext(prec=80):
        return (dividend / divisor).quantize(Decimal("0.000001"), ROUND_HALF_UP)


amounts = st.decimals(-(10**9), 10**9, places=6) | st.integers(-99, 99).map(Decimal)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(amounts, amounts), min_size=1, max_size=40))
@example([(Decimal("1.000001"), Decimal(2)), (Decimal("-0.000005"), Decimal(10)), (Decimal(1), Decimal(0))])
@example([(Decimal("123456789.000005"), Decimal(10)), (Decimal("999999999.999999"), Decimal("0.000001"))])
def test_a_ratio_is_exact(pairs):
    """Not by doubles, which round what lies in the middle either way."""
    expected = [_quotient(*pair) for pair in pairs]
    fitting = [
        (pair, wanted)
        for pair, wanted in zip(pairs, expected, strict=True)
        if wanted is None or abs(wanted) < 10**11
    ]
    values = ", ".join(
        f"({n}, {a}::decimal(18, 6), {b}::decimal(18, 6))" for n, ((a, b), _) in enumerate(fitting)
    )
    if fitting:
        found = duckdb.execute(
            f"select cast({RATIO} as decimal(18, 6)) from (values {values}) as pairs(n, a, b) order by n"
        ).fetchall()
        assert [value for (value,) in found] == [wanted for _, wanted in fitting]


@settings(max_examples=60, deadline=None)
@given(
    units=st.integers(-(10**12), 10**12),
    weights=st.lists(st.integers(1, 10**13), min_size=1, max_size=40),
)
def test_allocation_loses_nothing(units, weights):
    """Whatever the amount and the weights, the parts sum to the amount exactly."""
    amount = Decimal(units).scaleb(-4)
    cumulative = [sum(weights[: n + 1]) for n in range(len(weights))]
    lines = pa.table({"n": range(len(weights)), "c": cumulative})
    with duckdb.connect() as connection:
        connection.register("lines", lines)
        ((total,),) = connection.execute(f"""
            select sum(part) from (
                select {ALLOCATION} as part from (
                    select n, c::hugeint as cumulative, {cumulative[-1]}::hugeint as total,
                           {amount}::decimal(19, 4) as amount
                    from lines
                )
            )
        """).fetchall()
    assert total == amount
