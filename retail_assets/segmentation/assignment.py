"""Assignment as SQL: the warehouse finds each consumer's nearest centre, for any number of consumers.

The statement is generated from the stored model and makes the same numbers as `Model.assign`, operation by
operation; one text for DuckDB and Snowflake.
"""

from collections.abc import Iterator

from retail_assets.resources.sql import decimal, monday, number, text
from retail_assets.segmentation.features import FEATURES_TABLE, HAS_PURCHASED, NO_PURCHASE
from retail_assets.segmentation.model import LARGEST, UNITS, Categorical, Model, Numeric


def assignment_sql(model: Model, week: str, features: str = FEATURES_TABLE) -> str:
    """A query of consumer_key, segment, distance and confidence of everybody in the week's features.

    Whoever has never bought is in the segment 0, at no distance.
    """
    without = f"""
    select
        consumer_key,
        {NO_PURCHASE} as segment,
        cast(null as decimal(18, 6)) as distance,
        cast(null as decimal(9, 6)) as confidence
    from {features}
    where week_start = {monday(week)} and not ({HAS_PURCHASED})"""
    if not model.segments:
        return without.strip()
    return f"""with prepared as (

    select
        consumer_key{_list(_prepared(model))}
    from {features}
    where week_start = {monday(week)} and {HAS_PURCHASED}

),

distances as (

    select
        consumer_key{_list(_distances(model))}
    from prepared

),

nearest as (

    select distances.*, {_least([f"d_{segment}" for segment in model.segments])} as nearest
    from distances

),

assigned as (

    select nearest.*, case{_cases(model)} end as segment
    from nearest

),

measured as (

    select consumer_key, segment, sqrt(nearest) as own, sqrt({_next(model)}) as next_one
    from assigned

)

select
    consumer_key,
    segment,
    {decimal(f"own / {number(UNITS)}", 18)} as distance,
    {decimal(_confidence(model), 9)} as confidence
from measured

union all
{without}"""


def _prepared(model: Model) -> Iterator[str]:
    position = 0
    for feature in model.numbers:
        position += 1
        yield f"{_prepared_number(feature)} as f_{position}"
    for category in model.categories:
        for word in category.categories:
            position += 1
            yield f"{_prepared_word(category, word)} as f_{position}"


def _prepared_number(feature: Numeric) -> str:
    value = f"cast({feature.name} as double)"
    # Comparisons are false for nulls, infinities and NaN, which both engines hold to be the largest number.
    usable = f"{value} between {number(-LARGEST)} and {number(LARGEST)}"
    value = f"case when {usable} then {value} else {number(feature.median)} end"
    value = f"least(greatest({value}, {number(feature.lowest)}), {number(feature.highest)})"
    if feature.log:
        value = f"ln({number(1)} + {value})"
    scaled = f"({value} - {number(feature.mean)}) / {number(feature.scale)}"
    return f"floor({scaled} * {number(feature.weight)} * {number(UNITS)} + {number(0.5)})"


def _prepared_word(feature: Categorical, word: str) -> str:
    weight = number(float(int(feature.weight * UNITS + 0.5)))
    return f"case when {feature.name} = {text(word)} then {weight} else {number(0)} end"


def _distances(model: Model) -> Iterator[str]:
    for segment, centre in zip(model.segments, model.centres, strict=True):
        terms = [
            f"(f_{position} - {number(value)}) * (f_{position} - {number(value)})"
            for position, value in enumerate(centre, start=1)
        ]
        yield f"{' + '.join(terms) or number(0)} as d_{segment}"


def _cases(model: Model) -> str:
    # In ascending order: of two segments as near, the lowest.
    return "".join(f" when d_{segment} = nearest then {segment}" for segment in model.segments)


def _next(model: Model) -> str:
    """The second smallest distance; the smallest again where there is one segment only."""
    if len(model.segments) == 1:
        return "nearest"
    farther = number(LARGEST)
    return _least(
        [f"case when segment = {segment} then {farther} else d_{segment} end" for segment in model.segments]
    )


def _confidence(model: Model) -> str:
    if len(model.segments) == 1:
        return number(1)
    return f"case when next_one > 0 then {number(1)} - own / cast(next_one as double) else {number(0)} end"


def _least(columns: list[str]) -> str:
    return f"least({', '.join(columns)})" if len(columns) > 1 else columns[0]


def _list(columns: Iterator[str]) -> str:
    return "".join(f",\n        {column}" for column in columns)
