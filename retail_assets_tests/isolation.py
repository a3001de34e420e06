"""Tests depend neither on the environment, nor the home, nor the folder that they are started in.

A plugin that pytest loads before all else (`addopts` in pyproject.toml): no module is imported,
and no process started, with somebody's settings.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from retail_assets.settings import settings

_FOREIGN = ("RETAIL_", "DAGSTER_", "DBT_", "DLT_", "RUNTIME__", "SNOWFLAKE_")

for _name in [name for name in os.environ if name.startswith(_FOREIGN)]:
    del os.environ[_name]


@pytest.fixture(scope="session", autouse=True)
def empty_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What is relative, the default home above all, is in an empty folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("empty"))
        yield


@pytest.fixture(autouse=True)
def same_environment() -> Iterator[None]:
    """What a test sets, or the code that it calls, ends with it."""
    before, folder = dict(os.environ), Path.cwd()
    settings.cache_clear()
    yield
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(before)
    settings.cache_clear()
