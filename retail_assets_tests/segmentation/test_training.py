"""Training finds what is planted, is the same every time, and makes something sound of bad input."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score

from retail_assets.segmentation.choice import choose
from retail_assets.segmentation.decision import decide
from retail_assets.segmentation.features import CATEGORIES, NUMBERS
from retail_assets.segmentation.thresholds import THRESHOLDS
from retail_assets.segmentation.training import train
from retail_assets_tests.segmentation.planted import NEW_PERSONA, buyers, features, people

QUICK = replace(THRESHOLDS, most_segments=6, resamples=2)


def test_personas_are_found_and_their_number_is_explained():
    persons = people(3000)
    sample = buyers(features(persons))
    model = train(sample, "2024-01-01", THRESHOLDS).model
    planted = persons.set_index("consumer_key").persona[sample.consumer_key]
    assert adjusted_rand_score(planted, model.assign(sample).segment) >= 0.95
    assert len(model.segments) == 4
    assert [trial["segments"] for trial in model.choice["trials"]] == list(range(2, 11))
    assert "silhouette" in model.choice["reason"]
    assert {"fingerprint", "libraries", "rows", "seed", "silhouette"} <= model.training.keys()


def test_a_few_who_are_unlike_all_others_do_not_hide_the_rest():
    draws = np.random.default_rng(1)
    centres = np.array([(0, 0), (10, 0), (0, 10), (300, 300)])
    points = centres[np.repeat([0, 1, 2, 3], [330, 330, 330, 10])] + draws.normal(size=(1000, 2))
    choice = choose(draws.permutation(points), QUICK, seed=4)
    best = max(choice.trials, key=lambda trial: trial.silhouette)
    assert (best.segments, best.largest_share) == (2, 0.99)
    assert choice.segments == 4
    assert "more than 80% into one segment were passed over" in choice.reason


def test_the_same_sample_makes_the_same_model():
    sample = buyers(features(people(800)))
    assert train(sample, "w", QUICK).model == train(sample.copy(), "w", QUICK).model


def test_one_consumer_is_one_segment():
    sample = buyers(features(people(1, buyers=1.1)))
    model = train(sample, "w", QUICK).model
    assert model.assign(sample).segment.tolist() == [1]
    assert "alike" in model.choice["reason"]


def test_few_consumers_are_one_segment():
    sample = buyers(features(people(20, buyers=1.1)))
    model = train(sample, "w", QUICK).model
    assert model.segments == (1,)
    assert "too few" in model.choice["reason"]


def test_all_alike_are_one_segment():
    one = buyers(features(people(1, buyers=1.1)))
    sample = pd.concat([one] * 200, ignore_index=True)
    model = train(sample, "w", QUICK).model
    assert model.segments == (1,)
    assert set(model.assign(sample).segment) == {1}


def test_nobody_is_no_segment():
    model = train(buyers(features(people(50, buyers=0.0))), "w", QUICK).model
    assert model.segments == ()
    assert "Nobody" in model.choice["reason"]


def test_a_feature_that_is_missing_for_everybody_is_left_out_and_said():
    sample = buyers(features(people(500))).assign(email_engagement=np.nan)
    model = train(sample, "w", QUICK).model
    assert model.left_out["email_engagement"] == "missing for everybody"
    assert "email_engagement" not in model.columns
    assert len(model.segments) > 1


def test_infinities_count_as_missing():
    sample = buyers(features(people(500)))
    sample.loc[::3, "average_basket"] = np.inf
    sample.loc[1::3, "average_basket"] = -np.inf
    model = train(sample, "w", QUICK).model
    assert np.isfinite(model.assign(sample).distance).all()


def test_without_crm_and_web_shop_there_are_fewer_features_and_still_segments():
    sample = buyers(features(people(800)))
    gone = ["email_engagement", "web_sessions", "interactions_last_year", "loyalty_points", "age"]
    sample[gone], sample["webshop_share"] = np.nan, 0.0
    model = train(sample, "w", QUICK).model
    assert {
        "email_engagement",
        "web_sessions",
        "interactions_last_year",
        "webshop_share",
    } <= model.left_out.keys()
    assert len(model.segments) == 4


@pytest.mark.parametrize("spoiled", [each.name for each in (*NUMBERS, *CATEGORIES)])
def test_any_feature_may_be_missing(spoiled):
    sample = buyers(features(people(120)))
    sample[spoiled] = None if spoiled in {each.name for each in CATEGORIES} else np.nan
    model = train(sample, "w", replace(QUICK, most_segments=3)).model
    assert set(model.assign(sample).segment) <= set(model.segments)


def test_a_quiet_week_is_scored_and_a_moved_one_trained():
    persons = people(1500)
    model = train(buyers(features(persons)), "w", QUICK).model
    assert not decide(model, buyers(features(persons, week=1)), QUICK).retrain
    moved = buyers(features(persons, week=1))
    moved["products_per_order"] *= 3
    assert any("products_per_order" in reason for reason in decide(model, moved, QUICK).reasons)
    strangers = buyers(features(pd.concat([persons, people(400, 9, NEW_PERSONA)]), week=1))
    assert any("far from every segment" in reason for reason in decide(model, strangers, QUICK).reasons)
    assert not decide(model, strangers.head(0), QUICK).retrain
    assert decide(None, strangers, QUICK).reasons == ("There is no model yet.",)
