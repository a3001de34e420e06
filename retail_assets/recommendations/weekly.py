"""One week of recommendations, from the purchases in the warehouse to its rows in two tables."""

from contextlib import ExitStack
from dataclasses import dataclass

from retail_assets.recommendations.catalog import POPULARITY, QUALITY, RECORD, TABLES, table
from retail_assets.recommendations.knowledge import Knowledge, known_at_end_of
from retail_assets.recommendations.lists import CHUNK, insert_lists
from retail_assets.recommendations.quality import buyers_of, insert_quality, is_made
from retail_assets.resources.sessions import Session
from retail_assets.resources.sql import monday
from retail_assets.resources.warehouse import transaction
from retail_assets.resources.weekly_tables import weeks_later


@dataclass(frozen=True)
class Week:
    """What a week was made of."""

    week: str
    buyers: int
    """Known consumers who have bought by the end of the week."""
    products: int
    """Products that were bought in the two years that end with it."""


def run_week(session: Session, week: str, chunk: int = CHUNK) -> Week:
    """Make a week's lists and records and replace its rows, all of them in one transaction.

    Lists depend on what is known at the end of the week alone. The record of the week after depends on these
    lists and that week's purchases: it is made with whichever comes last, so that weeks give the same rows in
    any order.
    """
    TABLES.create(session)
    later = weeks_later(week, RECORD)
    records: dict[str, Knowledge] = {}
    with ExitStack() as stack:
        known = stack.enter_context(known_at_end_of(session, week, "now"))
        for each in (week, later):
            if session(is_made(each)):
                predicted = weeks_later(each, -RECORD)
                records[each] = stack.enter_context(
                    known_at_end_of(session, predicted, f"before_{len(records)}", buyers_of(each))
                )
        ((buyers,),) = session(f"select count(*) from {known.consumers}")
        ((products,),) = session(f"select count(*) from {POPULARITY} where week_start = {monday(week)}")
        parts = max(1, -(-buyers // chunk))
        with transaction(session):
            TABLES.delete_week(session, week)
            session(f"delete from {table(QUALITY)} where week_start = {monday(later)}")
            for part in range(parts):
                for statement in insert_lists(known, part, parts):
                    session(statement)
            for each, before in records.items():
                session(insert_quality(each, before))
    return Week(week, buyers, products)
