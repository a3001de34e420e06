"""What is asked of every week of prices and offers: a look at what was just stored."""

from collections.abc import Iterator

from retail_assets.prices.catalog import (
    BY_MEAN,
    CALENDAR,
    CATEGORY,
    ELASTICITIES,
    ESTIMATED,
    KINDS,
    MODELS,
    PLAN,
    PRODUCT,
    RECORD,
    table,
)
from retail_assets.prices.panel import SALES, UNKNOWN, WEEKS
from retail_assets.prices.weekly import Week
from retail_assets.resources.sql import monday, text
from retail_assets.resources.warehouse import Execute
from retail_assets.resources.weekly_tables import weeks_later
from retail_assets.weekly_assets import Finding

FEWEST_RECORDS, LEAST_WITHIN = 10, 0.8


def findings(execute: Execute, week: Week) -> Iterator[Finding]:
    """Every check's finding on a week that was just stored."""
    yield _every_product_is_told(execute, week)
    yield _elasticities_are_sound(execute, week.week)
    yield _dearer_sells_less(execute, week.week)
    yield _settings_are_told(execute, week.week)
    if week.plan:
        yield _methods_are_told(execute, week.week)
        yield _every_offer_is_told(execute, week.week)
        yield _expectations_are_sound(execute, week.week)
        yield from _record_is_good(execute, week.week)


def _every_product_is_told(execute: Execute, week: Week) -> Finding:
    ((wrong,),) = execute(
        "select count(*) from (select distinct product_key from"
        f" (select product_key from {SALES} where sales_date >= {monday(weeks_later(week.week, 1 - WEEKS))}"
        f" and sales_date < {monday(weeks_later(week.week, 1))} and product_key <> {text(UNKNOWN)}"
        " group by product_key, sales_channel, date_trunc('week', sales_date)"
        " having sum(quantity) > 0 and sum(net_amount) > 0) as weeks) as sold"
        f" full outer join (select product_key, count(*) as n from {table(ELASTICITIES)}"
        f" where week_start = {monday(week.week)} and level = {text(PRODUCT)} group by product_key) as told"
        " on sold.product_key = told.product_key"
        " where sold.product_key is null or told.n is null or told.n <> 1"
    )
    said = "; ".join(f"{status}: {count:,}" for status, count in week.statuses.items())
    return Finding(
        "every_product_is_told",
        wrong == 0,
        f"{wrong:,} products without exactly one row; {said or 'nothing was sold'}",
        wrong,
    )


def _elasticities_are_sound(execute: Execute, week: str) -> Finding:
    ((rows,),) = execute(
        f"select count(*) from {table(ELASTICITIES)} where week_start = {monday(week)} and ("
        f"(status = {text(ESTIMATED)}) <> (elasticity is not null)"
        " or elasticity < elasticity_low or elasticity > elasticity_high or standard_error < 0"
        " or explanation is null)"
    )
    return Finding("elasticities_are_sound", rows == 0, f"{rows:,} rows are unsound", rows)


def _dearer_sells_less(execute: Execute, week: str) -> Finding:
    rows = execute(
        f"select category, elasticity from {table(ELASTICITIES)} where week_start = {monday(week)}"
        f" and level = {text(CATEGORY)} and elasticity_low > 0 order by category"
    )
    said = ", ".join(f"{category} ({elasticity:.2f})" for category, elasticity in rows)
    return Finding(
        "dearer_sells_less",
        not rows,
        f"more is sold at higher prices: {said}" if rows else "no category surely sells more if dearer",
        len(rows),
    )


def _settings_are_told(execute: Execute, week: str) -> Finding:
    ((rows, told),) = execute(
        f"select count(*), count(case when model like '%fingerprint%' then 1 end) from {table(MODELS)}"
        f" where week_start = {monday(week)}"
    )
    return Finding("settings_are_told", rows == told == 1, f"{rows} rows, {told} with a fingerprint", rows)


def _methods_are_told(execute: Execute, week: str) -> Finding:
    rows = execute(
        f"select kinds.sales_channel, kinds.reason from (select distinct sales_channel from {CALENDAR}"
        f" where week_start = {monday(week)}) as channels left join {table(KINDS)} as kinds"
        f" on channels.sales_channel = kinds.sales_channel and kinds.week_start = {monday(week)}"
        " order by kinds.sales_channel"
    )
    lacking = sum(reason is None for _, reason in rows)
    said = "; ".join(f"{channel}: {reason}" for channel, reason in rows if reason)
    return Finding("methods_are_told", not lacking, said or "no offer is known", lacking)


def _every_offer_is_told(execute: Execute, week: str) -> Finding:
    ((wrong,),) = execute(
        f"select count(*) from (select offer_id from {CALENDAR} where week_start = {monday(week)}) as offers"
        f" full outer join (select offer_id, count(*) as n, count(verdict) as verdicts,"
        f" count(explanation) as words from {table(PLAN)} where week_start = {monday(week)}"
        " group by offer_id) as told"
        " on offers.offer_id = told.offer_id"
        " where offers.offer_id is null or told.n is null or told.n <> 1 or told.verdicts <> 1"
        " or told.words <> 1"
    )
    verdicts = execute(
        f"select verdict, count(*) from {table(PLAN)} where week_start = {monday(week)}"
        " group by verdict order by verdict"
    )
    said = "; ".join(f"{verdict}: {count}" for verdict, count in verdicts)
    return Finding(
        "every_offer_is_told",
        wrong == 0,
        f"{wrong} offers without exactly one verdict; {said or 'no offer is known'}",
        wrong,
    )


def _expectations_are_sound(execute: Execute, week: str) -> Finding:
    wrong = " or ".join(
        f"{name} < {name}_low or {name} > {name}_high"
        for name in ("uplift", "quantity", "discount_cost", "margin", "margin_uplift")
    )
    ((rows,),) = execute(
        f"select count(*) from {table(PLAN)} where week_start = {monday(week)} and method is not null"
        f" and (quantity < 0 or {wrong})"
    )
    return Finding("expectations_are_sound", rows == 0, f"{rows} offers with an unsound expectation", rows)


def _record_is_good(execute: Execute, week: str) -> Iterator[Finding]:
    """Over all offers that are settled by the end of the week."""
    ((judged, own, mean),) = execute(
        "select count(*), cast(sum(abs(expected_quantity - happened_quantity)) as double),"
        f" cast(sum(abs(mean_quantity - happened_quantity)) as double) from {table(RECORD)}"
        f" where week_start <= {monday(week)} and mean_quantity is not null and method <> '{BY_MEAN}'"
    )
    said = (
        f"plans were {own:,.0f} pieces off over {judged} offers, the mean of past offers {mean:,.0f}"
        if judged
        else "no plan by anything but the mean of past offers is settled yet"
    )
    yield Finding("plans_are_near", not judged or own <= mean, said, own or 0)
    ((records, within),) = execute(
        f"select count(*), count(case when is_within then 1 end) from {table(RECORD)}"
        f" where week_start <= {monday(week)}"
    )
    holds = records < FEWEST_RECORDS or within >= LEAST_WITHIN * records
    yield Finding(
        "intervals_hold",
        holds,
        f"what was sold lay within the interval of {within} of {records} offers",
        within,
    )
