"""A deployment's home."""

import pytest

from retail_assets.deployment import home
from retail_assets.settings import Settings


def test_a_home_that_is_made_is_its_owners_alone(tmp_path, monkeypatch: pytest.MonkeyPatch):
    made = tmp_path / "data" / "retail"
    for name, folder in (
        ("RETAIL_HOME", ""),
        ("DAGSTER_HOME", "dagster"),
        ("RETAIL_EVENT_LOG_DIR", "events"),
    ):
        monkeypatch.setenv(name, str(made / folder))
    home.prepare(Settings(home=made))
    assert made.stat().st_mode & 0o777 == 0o700
    # One that somebody opened to others stays as it is; `doctor` says so.
    made.chmod(0o750)
    home.prepare(Settings(home=made))
    assert made.stat().st_mode & 0o777 == 0o750
