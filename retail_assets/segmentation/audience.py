"""Segments for people: a week's profiles on the screen, and a segment's consumers for a campaign tool."""

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from retail_assets.resources.terminal import harmless
from retail_assets.resources.warehouse import WarehouseError
from retail_assets.resources.weeks import Query, rows_of, week_of
from retail_assets.segmentation.catalog import MODELS, PROFILES, SEGMENTS, monday, table
from retail_assets.segmentation.model import Model
from retail_assets.segmentation.wording import left_out

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Audience:
    """A segment's consumers who may be written to, and a sentence on how many they are."""

    consumers: "pa.Table"
    summary: str


def show(console: Console, query: Query, day: date | None) -> None:
    """Print the segments of the week of `day`, or of the newest.

    Raises `WarehouseError` if it is not there.
    """
    week = week_of(query, table(MODELS), day, "segments")
    ((decision, model),) = rows_of(
        query,
        "select case when is_trained then 'trained in this week'"
        " else 'scored with the model of ' || cast(trained_week as varchar) end, model"
        f" from {table(MODELS)} where week_start = {monday(week)}",
    )
    console.print(Text(f"Customer segments, week of {week}", "bold") + Text(f" ({decision})", ""))
    if without := left_out(Model.from_json(model).left_out):
        console.print(harmless(without), markup=False, highlight=False)
    for row in query(
        f"select * from {table(PROFILES)} where week_start = {monday(week)} order by segment"
    ).to_pylist():
        console.print()
        console.print(Text(f"{row['segment']}  {harmless(row['segment_name'])}", "bold"))
        told = [
            _sizes(row),
            row["description"],
            *([f"Since last week: {row['migration']}."] if row["migration"] else []),
            f"What to do: {row['suggested_action']}",
        ]
        # Names in it come from the data: no markup, and nothing that a terminal obeys.
        console.print(Padding(Text("\n".join(map(harmless, told))), (0, 0, 0, 3), expand=False))


def _sizes(row: dict[str, object]) -> str:
    text = f"{row['consumers']:,} consumers ({row['consumer_share']:.1%})"
    for name in ("revenue", "margin"):
        if row[f"{name}_share"]:
            text += f", {row[f'{name}_share']:.1%} of {name}"
    return text


def audience(query: Query, segment: int, day: date | None) -> Audience:
    """The consumers of a segment who agreed to marketing and have an e-mail address.

    Whether they agree is as last known, not as of the week: who has taken it back is not written to. What a
    spreadsheet would compute is a text. Raises `WarehouseError`, which says what there is, for a segment or
    week that is not there.
    """
    from retail_assets.resources.tables import as_texts

    week = week_of(query, table(MODELS), day, "segments")
    known_names = f"select segment, segment_name from {table(PROFILES)} where week_start = {monday(week)}"
    names: dict[int, str] = dict(rows_of(query, known_names))
    if segment not in names:
        known = ", ".join(f"{number} ({names[number]})" for number in sorted(names))
        raise WarehouseError(f"There is no segment {segment} in the week of {week}. There are: {known}.")
    members = (
        f"from {table(SEGMENTS)} as s inner join warehouse.wh_dim_consumer as c"
        f" on c.consumer_key = s.consumer_key where s.week_start = {monday(week)} and s.segment = {segment}"
    )
    consumers = query(
        f"select s.consumer_key, c.email, s.segment, s.confidence {members}"
        " and c.marketing_opt_in and c.email is not null order by s.consumer_key"
    )
    ((size,),) = rows_of(
        query,
        f"select count(*) from {table(SEGMENTS)} where week_start = {monday(week)} and segment = {segment}",
    )
    if not consumers.num_rows:
        raise WarehouseError(
            f"Nobody of the {size:,} consumers in segment {segment} ({names[segment]}) has agreed to"
            " marketing and has an e-mail address: there is nobody to write to."
        )
    return Audience(
        as_texts(consumers),
        f"{consumers.num_rows:,} of the {size:,} consumers in segment {segment} ({names[segment]}), week of"
        f" {week}, have agreed to marketing and have an e-mail address.",
    )
