"""What is asked of every week of recommendations: a look at what was just stored."""

from collections.abc import Iterator

from retail_assets.recommendations.catalog import (
    BASELINE,
    BUY_AGAIN,
    LENGTH,
    NEW,
    POPULARITY,
    QUALITY,
    RECOMMENDATIONS,
    SHORTAGES,
    table,
)
from retail_assets.recommendations.knowledge import CONSUMERS, HISTORY, LOCATIONS, RETURNS, SALES, UNKNOWN
from retail_assets.recommendations.weekly import Week
from retail_assets.resources.sql import monday, text
from retail_assets.resources.warehouse import Execute
from retail_assets.resources.weekly_tables import weeks_later
from retail_assets.weekly_assets import Finding

FEWEST_WITH_LISTS = 0.9


def findings(execute: Execute, week: Week) -> Iterator[Finding]:
    """Every check's finding on a week that was just stored."""
    yield _lists_are_sound(execute, week.week)
    yield _nothing_unfit(execute, week.week)
    yield _buyers_have_lists(execute, week)
    yield _beats_popularity(execute, week.week)


def _lists_are_sound(execute: Execute, week: str) -> Finding:
    end = monday(weeks_later(week, 1))
    ((lists, wrong),) = execute(
        # As many powers of two as there are rows sum to this only if they are those of 1, 2, and so on.
        f"select count(*), count(case when length > {LENGTH}"
        " or powers <> power(2, length + 1) - 2 then 1 end)"
        " from (select consumer_key, list, count(*) as length, sum(power(2, rank)) as powers"
        f" from {table(RECOMMENDATIONS)} where week_start = {monday(week)}"
        " group by consumer_key, list) as lists"
    )
    ((mixed,),) = execute(
        f"select count(*) from {table(RECOMMENDATIONS)} as told left join (select consumer_key, product_key"
        f" from {SALES} where is_sale and quantity > 0 and order_date < {end}"
        " group by consumer_key, product_key) as bought"
        " on told.consumer_key = bought.consumer_key and told.product_key = bought.product_key"
        f" where told.week_start = {monday(week)}"
        f" and ((told.list = {text(BUY_AGAIN)} and bought.product_key is null)"
        f" or (told.list = {text(NEW)} and bought.product_key is not null))"
    )
    ((twice,),) = execute(
        f"select count(*) from (select 1 as told from {table(RECOMMENDATIONS)}"
        f" where week_start = {monday(week)} group by consumer_key, product_key having count(*) > 1) as twice"
    )
    said = (
        f"{wrong:,} of {lists:,} lists with wrong ranks, {twice:,} products told twice,"
        f" {mixed:,} in the wrong list"
    )
    return Finding("lists_are_sound", not (wrong or twice or mixed), said, wrong + twice + mixed)


def _nothing_unfit(execute: Execute, week: str) -> Finding:
    end = monday(weeks_later(week, 1))
    ((unknown, discontinued, returned, lacking),) = execute(
        "select count(case when consumers.consumer_key is null then 1 end),"
        " count(case when popularity.product_key is null or popularity.is_discontinued then 1 end),"
        " count(returned.product_key), count(shortages.product_key)"
        f" from {table(RECOMMENDATIONS)} as told"
        f" left join {CONSUMERS} as consumers on told.consumer_key = consumers.consumer_key"
        f" left join {POPULARITY} as popularity"
        " on told.week_start = popularity.week_start and told.product_key = popularity.product_key"
        f" left join (select distinct consumer_key, product_key from {RETURNS} where return_date < {end})"
        " as returned"
        " on told.consumer_key = returned.consumer_key and told.product_key = returned.product_key"
        f" left join {HISTORY} as history on told.consumer_key = history.consumer_key"
        f" and history.valid_from < {end} and (history.valid_to is null or history.valid_to >= {end})"
        f" left join {LOCATIONS} as states on states.location_type = 'state' and states.latitude is not null"
        " and history.country = states.country and history.state_province = states.state_province"
        f" left join {LOCATIONS} as countries on countries.location_type = 'country'"
        " and countries.latitude is not null and history.country = countries.country"
        f" left join {SHORTAGES} as shortages on told.week_start = shortages.week_start"
        " and told.product_key = shortages.product_key and shortages.location_key"
        f" = coalesce(states.location_key, countries.location_key, {UNKNOWN})"
        f" where told.week_start = {monday(week)}"
    )
    said = (
        f"{discontinued:,} recommendations of what is discontinued, {lacking:,} of what is out of stock,"
        f" {returned:,} of what was returned, {unknown:,} to nobody known"
    )
    wrong = discontinued + lacking + returned + unknown
    return Finding("nothing_unfit", not wrong, said, wrong)


def _buyers_have_lists(execute: Execute, week: Week) -> Finding:
    ((told,),) = execute(
        f"select count(distinct consumer_key) from {table(RECOMMENDATIONS)}"
        f" where week_start = {monday(week.week)}"
    )
    if not week.buyers:
        return Finding("buyers_have_lists", True, "nobody has bought yet", 1)
    share = told / week.buyers
    said = f"{told:,} of {week.buyers:,} who have bought have something recommended ({share:.1%})"
    return Finding("buyers_have_lists", share >= FEWEST_WITH_LISTS, said, share)


def _beats_popularity(execute: Execute, week: str) -> Finding:
    rows = execute(
        f"select list, verdict from {table(QUALITY)}"
        f" where week_start = {monday(week)} and method = {text(BASELINE)} order by list"
    )
    said = " ".join(f"{name[0].upper()}{name[1:]}: {verdict}" for name, verdict in rows)
    worse = sum(verdict.startswith("Not better") for _, verdict in rows)
    return Finding("beats_popularity", not worse, said or "nothing was recommended a week ago", worse)
