"""A home of a review's own: a copy of the warehouse, and what one version of the code makes of it.

The commands of that version run as processes of their own. They read no source, write nowhere else, and post
no alert.
"""

import io
import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import dagster as dg
from dotenv import dotenv_values

import retail_assets
from retail_assets.errors import UserError
from retail_assets.quality.newest_partition import CHECK_NAME as NEWEST_PARTITION
from retail_assets.settings import Settings

# Where the package is: in a checkout its top, from a wheel the folder of all packages.
CHECKOUT = Path(retail_assets.__file__).parents[1]
_PRODUCT = ("retail_assets", "dbt_project")
# dagster-dbt's name of what dbt took for a model.
SECONDS = "Execution Duration"
# What would reach others, or others' history.
_NOT_HERE = re.compile(
    r"DAGSTER_HOME|RETAIL_(EVENT_LOG_DIR|HOME|ALERT_\w+|DAGSTER_URL|DASHBOARDS_FOLDER|EXTRACTS_\w+)"
)


class ReviewError(UserError):
    """What is to be reviewed cannot be had; the message says what to do."""


@dataclass
class Outcome:
    """What the runs of one side came to."""

    seconds: dict[str, float] = field(default_factory=dict)
    """By asset."""
    failed: dict[str, str] = field(default_factory=dict)
    """Checks that do not hold, by asset and name, each with what it says."""
    errors: list[str] = field(default_factory=list)
    """What stopped a command."""


class Side:
    """One version of the code, in `code`, on a warehouse in `home`."""

    def __init__(self, home: Path, code: Path, settings: Settings):
        self.home = home
        self.code = code
        nowhere = {"dashboards_folder": "", "extracts_folder": ""}
        self.settings = settings.model_copy(update={"home": home, **nowhere})
        self.outcome = Outcome()
        self._theirs = settings
        self._taken: set[str] = set()

    @property
    def warehouse(self) -> Path:
        return self.settings.duckdb_path

    def prepare(self, warehouse: Path) -> None:
        """Make the home, with a copy of a warehouse that nobody writes."""
        self.home.mkdir(mode=0o700, parents=True)
        shutil.copyfile(warehouse, self.warehouse)
        kept = self._theirs.home / "retail.env"
        lines = [
            f"{name}={value}\n" for name, value in dotenv_values(kept).items() if not _NOT_HERE.match(name)
        ]
        (self.home / "retail.env").write_text("".join(lines))

    def run(self, *arguments: str) -> float:
        """Run a command of `retail-assets`; the seconds that it took. What stops it is noted."""
        started = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-m", "retail_assets.cli", *arguments],
            cwd=self.code,
            env=self._environment(),
            capture_output=True,
            text=True,
        )
        seconds = time.monotonic() - started
        # A run that was begun has its failures in Dagster's history.
        has_run = self._has_run()
        if done.returncode and not has_run:
            said = [line for line in f"{done.stdout}\n{done.stderr}".splitlines() if line.strip()]
            self.outcome.errors.append(f"`retail-assets {' '.join(arguments)}`: " + "\n".join(said[-12:]))
        return seconds

    def _environment(self) -> Mapping[str, str]:
        kept = {name: value for name, value in os.environ.items() if not _NOT_HERE.match(name)}
        # By default sources are in the home, which is another one here. They are only named.
        places = {
            f"RETAIL_{system.upper()}_URL": self._theirs.source_url(system) for system in self._theirs.systems
        }
        dagster = self.home / "dagster"
        return {
            **kept,
            **places,
            "PYTHONPATH": str(self.code),
            # What is said is quoted: no lines of a terminal's.
            "COLUMNS": "1000",
            "RETAIL_HOME": str(self.home),
            "DAGSTER_HOME": str(dagster),
            "RETAIL_EVENT_LOG_DIR": str(dagster / "history" / "runs"),
        }

    def _has_run(self) -> bool:
        """Take what Dagster's history has of the newest run, unless that was taken; whether there is one."""
        if not (self.home / "dagster" / "dagster.yaml").exists():
            return False
        with _environment(self._environment()), dg.DagsterInstance.get() as instance:
            runs = instance.get_runs(limit=1)
            if not runs or runs[0].run_id in self._taken:
                return False
            self._taken.add(runs[0].run_id)
            for entry in instance.all_logs(runs[0].run_id):
                if entry.dagster_event:
                    self._take(entry.dagster_event)
            return True

    def _take(self, event: dg.DagsterEvent) -> None:
        if event.is_step_materialization:
            said = event.step_materialization_data.materialization
            if SECONDS in said.metadata:
                name = ".".join(said.asset_key.path)
                self.outcome.seconds[name] = float(str(said.metadata[SECONDS].value))
        elif event.event_type is dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            check = event.asset_check_evaluation_data
            if not check.passed and check.check_name != NEWEST_PARTITION:
                name = f"{'.'.join(check.asset_key.path)}: {check.check_name}"
                self.outcome.failed[name] = " ".join((check.description or "").split())
        elif event.is_step_failure:
            error = event.step_failure_data.error
            while error and error.cause:
                error = error.cause
            message = error.message.strip() if error else ""
            # A check that fails a step is none of what could not be built.
            rest = [line for line in message.splitlines() if not self._is_of_check(line)]
            if any(line.rpartition(": ")[2].strip() for line in rest):
                self.outcome.errors.append(f"{event.step_key}: " + "\n".join(rest))

    def _is_of_check(self, line: str) -> bool:
        """Whether a line of a failure is of a check that is known; what it says is kept."""
        for name, said in self.outcome.failed.items():
            _, mark, reason = line.partition(f"{name.partition(': ')[2]}: ")
            if mark:
                self.outcome.failed[name] = said or reason
                return True
        return False


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """This process's environment is another one for as long."""
    known = dict(os.environ)
    try:
        os.environ.clear()
        os.environ.update(values)
        yield
    finally:
        os.environ.clear()
        os.environ.update(known)


def code_of(revision: str, folder: Path) -> None:
    """Write the code of a git revision into a folder. The checkout stays as it is."""
    packed = _git("archive", "--format=zip", revision)
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        archive.extractall(folder)


def changed_files(revision: str) -> Sequence[str]:
    """The product's files that a git revision has otherwise than the working tree, new ones included."""
    tracked = _git("diff", "--name-only", revision, "--", *_PRODUCT)
    new = _git("ls-files", "--others", "--exclude-standard", "--", *_PRODUCT)
    return sorted({*tracked.decode().splitlines(), *new.decode().splitlines()})


def _git(*arguments: str) -> bytes:
    try:
        done = subprocess.run(["git", "-C", str(CHECKOUT), *arguments], capture_output=True)
    except FileNotFoundError:
        raise ReviewError("--against needs git, which is not installed.") from None
    if done.returncode:
        reason = done.stderr.decode().strip().splitlines()[:1]
        raise ReviewError(f"--against needs a git revision of this checkout: {' '.join(reason)}")
    return done.stdout
