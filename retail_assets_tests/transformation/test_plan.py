"""What is built, over which window, when something went wrong before or goes wrong now."""

from datetime import UTC, datetime

from retail_assets.quality.table_states import TableState
from retail_assets.transformation.plan import plan, states_after
from retail_assets.windows import Window


def _at(day):
    return datetime(2024, 5, day, tzinfo=UTC)


DAY = Window(_at(9), _at(10))


def _model(name, *parents, **meta):
    return {
        "config": {"meta": meta},
        "resource_type": "model",
        "schema": "some",
        "name": name,
        "depends_on": {"nodes": list(parents)},
    }


def _test(name, on, *others):
    return {**_model(name, on, *others), "resource_type": "test", "attached_node": on}


MANIFEST = {
    "sources": {each: {"schema": "raw_till", "name": each} for each in ("tea", "cake")},
    "nodes": {
        "stg_tea": _model("stg_tea", "tea"),
        "stg_cake": _model("stg_cake", "cake"),
        "teas": _model("teas", "stg_tea"),
        "menu": _model("menu", "teas", "stg_cake"),
        "tea_is_hot": _test("tea_is_hot", "teas"),
        "cake_goes_with_tea": _test("cake_goes_with_tea", "stg_cake", "teas"),
    },
}
ALL = set(MANIFEST["nodes"])


def _state(table, until, state="current", why=None):
    return TableState(table, state, _at(1), _at(until), why)


def _states(*states):
    return {state.table: state for state in states}


def _after(done, built, failures, known):
    return {
        state.table.split(".")[1]: state for state in states_after(MANIFEST, done, built, failures, known)
    }


def test_at_first_everything_is_built_for_the_run_s_window():
    found = plan(MANIFEST, ALL, {}, DAY, makes_up=True)
    assert found.nodes == ALL
    assert not found.blocked
    assert found.window == DAY
    after = _after(found, ALL, {}, {})
    assert {state.state for state in after.values()} == {"current"}
    assert {state.applied_until for state in after.values()} == {DAY.end}


def test_what_has_rows_of_one_system_each_does_not_wait_for_a_late_one():
    """Tea is sold though the cakes are late; the next run begins where the cakes do."""
    nodes = MANIFEST["nodes"] | {
        "goods": _model("goods", "stg_tea", "stg_cake", tolerates_late=True),
        "sold": _model("sold", "stg_tea", "goods"),
    }
    manifest = MANIFEST | {"nodes": nodes}
    late = _state("raw_till.cake", 9, "refused", "the till is locked")
    known = _states(_state("raw_till.tea", 10), late, _state("some.stg_cake", 9), _state("some.goods", 9))
    found = plan(manifest, {*nodes}, known, DAY, makes_up=True)
    assert {"goods", "sold"} <= {*found.nodes}
    assert set(found.blocked) == {"stg_cake", "menu"}
    after = {each.table: each for each in states_after(manifest, found, found.nodes, {}, known)}
    assert (after["some.goods"].state, after["some.goods"].applied_until) == ("stale", _at(9))
    assert "the till is locked" in str(after["some.goods"].why)
    assert (after["some.sold"].state, after["some.sold"].applied_until) == ("current", _at(10))
    later = Window(_at(10), _at(11))
    known = {**known, **after, "raw_till.tea": _state("raw_till.tea", 11), late.table: _state(late.table, 11)}
    found = plan(manifest, {*nodes}, known, later, makes_up=True)
    assert not found.blocked
    assert not found.behind
    assert found.window == Window(_at(9), _at(11))

    # Where it has never been built there is nothing to go on with.
    found = plan(manifest, {*nodes}, _states(_state("raw_till.tea", 10), late), DAY, makes_up=True)
    assert "goods" in found.blocked


def test_a_refused_table_stops_what_is_made_from_it_and_no_more():
    known = _states(
        _state("raw_till.tea", 9, "refused", "till: tea has no column price"), _state("raw_till.cake", 10)
    )
    found = plan(MANIFEST, ALL, known, DAY, makes_up=True)
    # Nor is a check of the others asked that reads it.
    assert found.nodes == {"stg_cake"}
    assert set(found.blocked) == {"stg_tea", "teas", "menu"}
    assert all("raw_till.tea: till: tea has no column price" in reason for reason in found.blocked.values())
    known |= _states(_state("some.menu", 9))
    after = _after(found, {"stg_cake"}, {}, known)
    assert after["stg_cake"].applied_until == _at(10)
    assert (after["menu"].state, after["menu"].applied_until) == ("stale", _at(9))
    assert after["teas"].applied_until is None


def test_an_old_window_that_the_table_has_is_built_again():
    known = _states(_state("raw_till.tea", 9, "refused", "locked"))
    assert plan(MANIFEST, ALL, known, Window(_at(7), _at(8)), makes_up=True).nodes == ALL


def test_a_model_that_failed_stops_what_is_made_from_it():
    found = plan(MANIFEST, ALL, {}, DAY, makes_up=True)
    after = _after(
        found, {"stg_tea", "stg_cake"}, {"teas": "division by zero"}, _states(_state("some.teas", 9))
    )
    assert (after["teas"].state, after["teas"].why, after["teas"].applied_until) == (
        "failed",
        "division by zero",
        _at(9),
    )
    assert (after["menu"].state, after["menu"].why) == ("stale", "some.teas: division by zero")
    assert after["stg_cake"].state == "current"


def test_a_table_whose_check_failed_has_the_rows_and_says_so():
    found = plan(MANIFEST, ALL, {}, DAY, makes_up=True)
    after = _after(found, ALL - {"menu"}, {"tea_is_hot": "Got 2 results"}, {})
    assert (after["teas"].state, after["teas"].applied_until) == ("failed", DAY.end)
    assert after["teas"].why == "Its check tea_is_hot failed: Got 2 results"
    assert after["menu"].state == "stale"


def test_the_next_run_makes_up_for_what_was_missed():
    known = _states(
        *(_state(f"some.{name}", 9) for name in ("stg_tea", "stg_cake", "teas")),
        _state("some.menu", 5, "stale"),
    )
    known |= _states(_state("raw_till.tea", 10), _state("raw_till.cake", 10))
    found = plan(MANIFEST, ALL, known, DAY, makes_up=True)
    assert found.window == Window(_at(5), _at(10))
    assert plan(MANIFEST, ALL - {"menu"}, known, DAY, makes_up=True).window == DAY
    # Weeks are made of their own days alone.
    assert plan(MANIFEST, ALL, known, DAY, makes_up=False).window == DAY


def test_part_of_a_job_is_not_built_on_what_is_behind():
    known = _states(_state("some.teas", 9, "failed", "division by zero"))
    found = plan(MANIFEST, {"menu"}, known, DAY, makes_up=True)
    assert found.blocked == {"menu": "some.teas: division by zero, it ends with 2024-05-09 00:00 UTC"}


def test_what_joins_the_deployment_is_built_anew():
    known = _states(
        TableState("some.teas", "not ingested"), TableState("raw_till.tea", "current", _at(1), _at(10))
    )
    found = plan(MANIFEST, ALL, known, DAY, makes_up=True)
    assert found.rebuilt == ["teas"]
    assert found.window == DAY
    assert _after(found, ALL, {}, known)["teas"].applied_from == DAY.start
