"""What comes from the disk is told in a sentence, whoever noticed it."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from retail_assets.errors import of_the_disk
from retail_assets_tests.faults import Area, fault


@fault(Area.MACHINE, "The home cannot be made", "A sentence and no traceback.")
def test_a_home_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    environment = {**os.environ, "RETAIL_HOME": str(tmp_path / "file" / "home")}
    command = [sys.executable, "-m", "retail_assets.cli", "sql", "select 1"]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 2
    assert "A file stands where a folder should be" in run.stderr
    assert "Traceback" not in run.stderr


@fault(Area.MACHINE, "The disk is full under Dagster's history", "A sentence, whoever noticed it.")
def test_a_history_that_is_full_is_told_through_other_errors(tmp_path: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'history.db'}")
    with engine.connect() as connection:
        connection.execute(sa.text("create table runs (text text)"))
        connection.execute(sa.text("pragma max_page_count = 4"))
        with pytest.raises(sa.exc.OperationalError) as full:
            connection.execute(sa.text("insert into runs values (:text)"), {"text": "x" * 100_000})
    assert "no space left" in str(of_the_disk(full.value))


@fault(Area.MACHINE, "Dagster's history is read-only", "A sentence, whoever noticed it.")
def test_a_history_that_is_read_only_is_told_through_other_errors(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "history.db") as database:
        database.execute("create table runs (text text)")
    with (
        sqlite3.connect(f"file:{tmp_path / 'history.db'}?mode=ro", uri=True) as database,
        pytest.raises(sqlite3.OperationalError) as read_only,
    ):
        database.execute("insert into runs values ('x')")
    assert "read-only" in str(of_the_disk(read_only.value))


def test_other_errors_are_no_matter_of_the_disk() -> None:
    elsewhere = FileNotFoundError(2, "No such file", "/elsewhere/x.csv")
    for error in (
        elsewhere,
        ValueError("x"),
        ConnectionResetError(104, "reset"),
        sqlite3.OperationalError("near x"),
    ):
        assert of_the_disk(error) is None
