"""The dbt project: where it is, how it is parsed, and how it is parsed only when it has changed."""

import json
import os
import sys
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

import retail_assets
from retail_assets.errors import UserError
from retail_assets.settings import Settings

if TYPE_CHECKING:
    from retail_assets.internals import Manifest


def _project_dir() -> Path:
    """Within the package where a wheel was installed, beside it in a checkout."""
    package = Path(retail_assets.__file__).parent
    installed = package / "dbt_project"
    return installed if installed.is_dir() else package.parent / "dbt_project"


PROJECT_DIR = _project_dir()


class DbtProjectError(UserError):
    """The dbt project cannot be parsed; the message is dbt's."""


class Project:
    """The dbt project with its parsed manifest, kept in the home.

    Definitions load often, so the manifest is read from a file; it is made anew when a file of the
    project is newer. A target folder of its own for each warehouse: relation names differ.
    """

    def __init__(self, settings: Settings):
        self.target_path = settings.home / "dbt" / settings.warehouse
        self.target = settings.warehouse

    @cached_property
    def manifest(self) -> Mapping[str, Any]:
        """The manifest as dagster-dbt reads it."""
        self.prepare()
        manifest: Mapping[str, Any] = json.loads((self.target_path / "manifest.json").read_bytes())
        return manifest

    def load(self) -> "Manifest":
        """The manifest as dbt runs it, which saves dbt parsing the project in each run."""
        from retail_assets.internals import Manifest

        self.prepare()
        manifest = Manifest.from_msgpack((self.target_path / "partial_parse.msgpack").read_bytes())
        # What macros see as `graph`; dbt makes it when it parses, and does not store it.
        manifest.build_flat_graph()
        return manifest

    @property
    def arguments(self) -> list[str]:
        """What every dbt command is given."""
        return [
            "--project-dir", str(PROJECT_DIR),
            "--profiles-dir", str(PROJECT_DIR),
            "--target-path", str(self.target_path),
            "--log-path", str(self.target_path / "logs"),
            "--target", self.target,
        ]  # fmt: skip

    def prepare(self) -> None:
        """Parse the project if it has changed since it was last parsed."""
        if self._is_current():
            return
        self.target_path.mkdir(parents=True, exist_ok=True)
        with FileLock(self.target_path / "parse.lock"):
            if not self._is_current():
                self._parse()

    def _is_current(self) -> bool:
        try:
            parsed = (self.target_path / "parsed").stat().st_mtime_ns
        except FileNotFoundError:
            return False
        return all(path.stat().st_mtime_ns < parsed for path in _project_files())

    def _parse(self) -> None:
        from dbt.cli.main import dbtRunner

        (self.target_path / "partial_parse.msgpack").unlink(missing_ok=True)
        started = self.target_path / "parsing"
        started.touch()
        result = dbtRunner().invoke(["--quiet", "parse", *self.arguments])
        if not result.success:
            raise DbtProjectError(str(result.exception))
        # Its time is that of the start: a file saved during the parse is newer.
        started.replace(self.target_path / "parsed")


def _project_files() -> list[Path]:
    """All files, and their folders, whose time tells that a file came, went or got another name."""
    folders = [PROJECT_DIR / name for name in ("models", "macros")]
    return [*folders, *(path for folder in folders for path in folder.rglob("*")), *PROJECT_DIR.glob("*.yml")]


def dbt_executable() -> str:
    """dbt's command, which is on PATH only where the virtual environment is activated."""
    return os.fspath(Path(sys.executable).with_name("dbt"))
