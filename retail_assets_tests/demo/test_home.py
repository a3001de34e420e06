"""A demo starts over where a demo was, and leaves everything else alone."""

from datetime import date
from threading import Thread

import pytest
from filelock import FileLock
from rich.console import Console

from retail_assets.demo.home import Demo, start_over, yesterday
from retail_assets.demo.show import show
from retail_assets.settings import settings
from retail_assets_tests.faults import Area, fault

MADE = ("retail.duckdb", "published/retail.duckdb", "sources/erp.sqlite", "sources/webshop/users/a.csv")
HISTORY = "dagster/history/runs/index.db"


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home with data in it, and a history; who made it is not said."""
    for name in (*MADE, HISTORY):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.setenv("RETAIL_HOME", str(tmp_path))
    settings.cache_clear()
    yield tmp_path
    settings.cache_clear()


@pytest.fixture
def demos(home):
    """The home of a demo on another day."""
    (home / "retail.env").write_text(
        "# Written by `retail-assets demo`, 2024-05-01.\nRETAIL_START_DATE=2023-05-01\n"
    )
    settings.cache_clear()
    return home


def _demo():
    last = date(2024, 3, 1)
    start_over(Console(quiet=True), Demo(10, 1, date(2024, 1, 1), 61, last, last))


def test_starts_over_in_a_home_of_its_own(demos):
    _demo()
    left = {path.name for path in demos.iterdir()}
    assert left == {"dagster", "demo.json", "retail.env", "retail.duckdb.lock"}
    assert (demos / HISTORY).exists()
    assert settings().start_date == date(2024, 1, 1)
    assert settings().today == date(2024, 3, 2)
    assert settings().days_behind == (yesterday() - date(2024, 3, 1)).days
    # The next one finds a home of its own too.
    _demo()


def test_a_day_that_is_not_over_is_refused_before_anything_is_removed(demos):
    with pytest.raises(SystemExit, match="2999-01-01 is not over: the demo's last day is 20"):
        show(Console(quiet=True), consumers=10, days=30, seed=1, until=date(2999, 1, 1))
    assert all((demos / name).exists() for name in MADE)


@fault(Area.PUBLISHING, "The demo starts over while a run writes its home", "It waits for the run.")
def test_waits_for_a_run_that_is_writing(demos):
    with FileLock(demos / "retail.duckdb.lock"):
        demo = Thread(target=_demo)
        demo.start()
        demo.join(timeout=0.2)
        assert (demos / "retail.duckdb").exists()
    demo.join(timeout=60)
    assert not (demos / "retail.duckdb").exists()


@pytest.mark.parametrize(
    ("environment", "env", "said"),
    [
        ({"RETAIL_WAREHOUSE": "snowflake"}, None, "RETAIL_WAREHOUSE is snowflake"),
        ({"RETAIL_ERP_URL": "sqlite:///mine"}, None, "RETAIL_ERP_URL names a system of your own"),
        ({}, "RETAIL_START_DATE=2020-01-01\n", "whose retail.env is not of a demo"),
        ({}, "# Written by `retail-assets demo`\nRETAIL_TIMEZONE=Asia/Tokyo\n", "or has been changed"),
        ({}, None, "whose sources is not of a demo"),
    ],
)
def test_leaves_alone_what_is_not_its_own(home, monkeypatch, environment, env, said):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    if env:
        (home / "retail.env").write_text(env)
    settings.cache_clear()
    with pytest.raises(SystemExit, match=rf"{said}.*RETAIL_HOME=") as stopped:
        _demo()
    assert "\n" not in str(stopped.value)
    assert all((home / name).exists() for name in (*MADE, HISTORY))
    assert not env or (home / "retail.env").read_text() == env
