"""Customer segments of a retailer that knows many consumers: what each step of a week takes."""

import json
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from shutil import rmtree

from benchmarks.company import ORDER_LINES, Step
from benchmarks.home import DAY, EVERY_SYSTEM, LAST_DAY, Home, built, simulated
from benchmarks.measure import BenchmarkError, Comparison, Measured, Usage, alternate, compare

_SUNDAY = LAST_DAY - timedelta(days=LAST_DAY.isoweekday() % 7)
_MONDAY = _SUNDAY - 6 * DAY
_WEEK_BEFORE = _MONDAY - 7 * DAY
_WHOLE = "the whole weekly run, training included"
_FEATURES = "mart_segmentation.customer_segmentation_features"
_OF_THE_WEEK = f"where week_start = date '{_MONDAY}'"
_DIFFERING = f"""
    select count(*)
    from (select * from mart_segmentation.customer_segments {_OF_THE_WEEK}) as assigned
    full outer join benchmark.predicted on predicted.consumer_key = assigned.consumer_key
    where assigned.segment is distinct from predicted.segment
"""


@dataclass(frozen=True)
class Against:
    """A part of the week against what somebody would write with scikit-learn alone."""

    what: str
    baseline: str
    measured: Comparison


@dataclass(frozen=True)
class Segments:
    """The steps of a week, and the comparisons."""

    consumers: int
    """In the week's features."""
    buyers: int
    """Of them, those who have bought: they are clustered."""
    features: int
    clustered: int
    """Of the features, those that take part in distances."""
    segments: int
    order_lines: int
    days: int
    steps: tuple[Step, ...]
    comparisons: tuple[Against, ...]


def segments(folder: Path, consumers: int, days: int, rounds: int) -> Segments:
    """Simulate and build everything of a retailer of that many consumers in the ERP, then its last week."""
    retailer, simulation = simulated(folder / "sources", consumers, days, EVERY_SYSTEM)
    home, daily = built(folder / "built", retailer, _SUNDAY)
    steps, comparisons = _last_week(home, rounds)
    model = json.loads((home.path / "model.json").read_text())
    result = Segments(
        consumers=home.number(f"select count(*) from {_FEATURES} {_OF_THE_WEEK}"),
        buyers=home.number(f"select count(recency_days) from {_FEATURES} {_OF_THE_WEEK}"),
        features=len(model["bins"]),
        clustered=len(model["numbers"]) + len(model["categories"]),
        segments=len(model["segments"]),
        order_lines=home.number(ORDER_LINES),
        days=days,
        steps=(
            Step("simulating all six systems", simulation),
            Step("the daily job over all days in one run, ingestion included", daily),
            *steps,
            _every_week(home),
        ),
        comparisons=comparisons,
    )
    rmtree(folder)
    return result


def _last_week(home: Home, rounds: int) -> tuple[tuple[Step, ...], tuple[Against, ...]]:
    features = _weekly(home, _MONDAY, "--select", f'key:"{_FEATURES.replace(".", "/")}"')
    training = home.work("train_segments", str(_MONDAY))
    against_fits = _against_fits(home, rounds)
    # From here on there is a week before, whose segments this one goes on from.
    _weekly(home, _WEEK_BEFORE)
    against_predict = _against_predict(home, rounds)
    profiles = home.work("profile_segments", str(_MONDAY))
    again = _weekly(home, _MONDAY)
    steps = (
        Step("feature mart", features),
        Step("training", training),
        Step("assigning everybody", against_predict.measured.subject),
        Step("profiles", profiles),
        Step(_WHOLE, against_fits[0].measured.subject),
        Step(f"the same after another week, {_how(home)}", again),
    )
    return steps, (against_predict, *against_fits)


def _every_week(home: Home) -> Step:
    usage = home.backfill(home.retailer.first_day, _SUNDAY, "--weekly")
    weeks = home.number("select count(*) from mart_segmentation.segmentation_model")
    return Step(f"all {weeks} whole weeks in one run", usage)


def _weekly(home: Home, monday: date, *options: str) -> Usage:
    return home.backfill(monday, monday + 6 * DAY, "--weekly", *options)


def _against_fits(home: Home, rounds: int) -> tuple[Against, ...]:
    """The whole run of a week that nothing precedes, which is why it is trained."""

    def whole() -> Usage:
        return _weekly(home, _MONDAY)

    def fit(name: str) -> Measured:
        return lambda: home.work(name, str(_MONDAY))

    run, one, several = alternate(whole, fit("fit_once"), fit("fit_several"), rounds=rounds)
    return (
        Against(_WHOLE, "one k-means fit on the same sample", compare(run, one)),
        Against(_WHOLE, "fits for 2 to 10 segments and their silhouettes", compare(run, several)),
    )


def _against_predict(home: Home, rounds: int) -> Against:
    def work(name: str) -> Measured:
        return lambda: home.work(name, str(_MONDAY))

    measured = compare(*alternate(work("assign_segments"), work("predict_segments"), rounds=rounds))
    if differing := home.number(_DIFFERING):
        raise BenchmarkError(
            f"The warehouse and scikit-learn put {differing:,} consumers into other segments."
        )
    return Against("assigning everybody in the warehouse", "scikit-learn's `predict` in memory", measured)


def _how(home: Home) -> str:
    query = f"select cast(is_trained as int) from mart_segmentation.segmentation_model {_OF_THE_WEEK}"
    return "retrained" if home.number(query) else "scored with its model"
