"""A stored model assigns as the fitted pipeline does, in Python and in the warehouse."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retail_assets.segmentation.assignment import assignment_sql
from retail_assets.segmentation.model import Categorical, Model, ModelError, Numeric
from retail_assets.segmentation.thresholds import THRESHOLDS
from retail_assets.segmentation.training import train
from retail_assets_tests.segmentation.planted import FIRST_WEEK, buyers, features, in_duckdb, people

WEEK = str(FIRST_WEEK)


def assigned_by_sql(model, frame):
    rows = in_duckdb(frame).execute(assignment_sql(model, WEEK, "features")).fetchall()
    return {key: (segment, distance, confidence) for key, segment, distance, confidence in rows}


def troubled(frame):
    """The same consumers, some with what data may bring."""
    frame = frame.copy()
    frame.loc[frame.index[::7], "return_rate"] = np.nan
    frame.loc[frame.index[::11], "average_basket"] = np.inf
    frame.loc[frame.index[::13], "discount_share"] = -np.inf
    frame.loc[frame.index[::5], "top_category"] = "O'Never\\seen"
    frame.loc[frame.index[::17], "top_category"] = None
    frame.loc[frame.index[::19], "orders_last_year"] = 1e12
    return frame


@pytest.mark.parametrize("spoil", [lambda frame: frame, troubled], ids=["as trained", "troubled"])
def test_pipeline_model_and_warehouse_agree_exactly(spoil):
    fitted = train(buyers(features(people(5000))), WEEK, THRESHOLDS)
    week = spoil(features(people(4000, seed=2)))
    assert fitted.pipeline is not None
    known = buyers(week)
    model = Model.from_json(fitted.model.to_json())

    predicted = np.array(model.segments)[fitted.pipeline.predict(known)]
    assigned = model.assign(known)
    by_sql = assigned_by_sql(model, week)

    assert (predicted == assigned.segment).all()
    found = [by_sql[key] for key in known.consumer_key]
    assert [row[0] for row in found] == assigned.segment.tolist()
    assert np.abs(np.array([float(row[1]) for row in found]) - assigned.distance).max() <= 5.1e-7
    assert np.abs(np.array([float(row[2]) for row in found]) - assigned.confidence).max() <= 5.1e-7
    others = set(week.consumer_key) - set(known.consumer_key)
    assert others
    assert {by_sql[key] for key in others} == {(0, None, None)}


def small_model(centres, segments=None):
    numbers = tuple(
        Numeric(name, median=1.0, lowest=-50.0, highest=50.0, log=False, mean=0.0, scale=1.0, weight=1.0)
        for name in ("return_rate", "discount_share")
    )
    words = (Categorical("top_category", ("Books",), 0.5),)
    return Model(WEEK, numbers, words, tuple(segments or range(1, len(centres) + 1)), tuple(centres))


whole = st.integers(-30_000, 30_000)


@settings(max_examples=40, deadline=None)
@given(
    centres=st.lists(st.tuples(whole, whole, st.integers(0, 5_000)), min_size=1, max_size=6),
    values=st.lists(
        st.tuples(
            st.one_of(st.floats(allow_nan=True, allow_infinity=True), st.integers(-4, 4).map(float)),
            st.integers(-4, 4).map(float),
            st.sampled_from(["Books", "Garden", None]),
        ),
        min_size=1,
        max_size=30,
    ),
)
def test_any_model_assigns_alike_in_python_and_sql(centres, values):
    model = small_model(centres)
    frame = features(people(len(values), buyers=1.1))
    frame["return_rate"], frame["discount_share"] = [v[0] for v in values], [v[1] for v in values]
    frame["top_category"] = pd.Series([v[2] for v in values], dtype=object)
    by_sql = assigned_by_sql(model, frame)
    assert [by_sql[key][0] for key in frame.consumer_key] == model.assign(frame).segment.tolist()


def test_ties_go_to_the_lowest_segment():
    model = small_model([(10_000, 0, 0), (-10_000, 0, 0), (10_000, 0, 0)], segments=(2, 5, 9))
    frame = features(people(1, buyers=1.1))
    frame["return_rate"], frame["discount_share"], frame["top_category"] = 0.0, 0.0, "Garden"
    assert model.assign(frame).segment.tolist() == [2]
    assert next(iter(assigned_by_sql(model, frame).values()))[0] == 2
    assert model.assign(frame).confidence.tolist() == [0.0]


def test_its_text_is_the_model():
    model = train(buyers(features(people(400))), WEEK, THRESHOLDS).model.named({1: 'Who\'s "who"\\'})
    again = Model.from_json(model.to_json())
    assert again == model
    assert again.to_json() == model.to_json()


def test_another_format_is_refused():
    with pytest.raises(ModelError, match="Run its week again"):
        Model.from_json('{"format": 0}')


def test_the_warehouse_keeps_what_a_text_says():
    from retail_assets.resources.sql import text

    connection = in_duckdb(features(people(1)))
    said = 'It\'s \\ "so" \\u00e9'
    assert connection.execute(f"select {text(said)}").fetchone() == (said,)
