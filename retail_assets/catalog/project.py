"""The dbt project: where it is, how it is parsed, and how it is parsed only when it has changed."""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Mapping
from functools import cached_property
from importlib.metadata import version
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

_DAY = 24 * 60 * 60
# The manifest of a version that nothing has used for so long is removed.
_UNUSED_DAYS = 30


class DbtProjectError(UserError):
    """The dbt project cannot be parsed; the message is dbt's."""


class Project:
    """The dbt project with its parsed manifest, kept in the home.

    Definitions load often, so the manifest is read from a file. Its folder is named after everything that it
    was parsed from: contents, not times, since an image's files may be older than a parse of other contents.
    So two checkouts that share a home each run their own manifest, and no parse overwrites another.
    """

    def __init__(self, settings: Settings):
        self.settings = settings
        self.target = settings.warehouse
        self.folder = settings.home / "dbt"
        # Relation names contain the database. That of DuckDB is always named after its file.
        named = f"{settings.snowflake_database}.{settings.snowflake_schema}"
        self._database = named if settings.warehouse == "snowflake" else ""

    @cached_property
    def target_path(self) -> Path:
        """Where this version of the project is parsed to, and where dbt writes what it runs."""
        return self.folder / f"{self.target}-{_fingerprint(self.target, self._database)}"

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
    def variables(self) -> Mapping[str, Any]:
        """What `dbt_project.yml` sets; a run's own come from its window."""
        import yaml

        return dict(
            yaml.safe_load((PROJECT_DIR / "dbt_project.yml").read_text(encoding="utf-8")).get("vars", {})
        )

    @property
    def arguments(self) -> list[str]:
        """What every dbt command is given."""
        return self._arguments(self.target_path)

    def _arguments(self, target_path: Path) -> list[str]:
        return [
            "--project-dir", str(PROJECT_DIR),
            "--profiles-dir", str(PROJECT_DIR),
            "--target-path", str(target_path),
            "--log-path", str(target_path / "logs"),
            "--target", self.target,
        ]  # fmt: skip

    def prepare(self) -> None:
        """Parse the project if this version of it has not been parsed yet."""
        if not self.target_path.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            with FileLock(self.folder / "parse.lock"):
                if not self.target_path.exists():
                    self._parse()
                    self._remove_unused()
        elif time.time() - self.target_path.stat().st_mtime > _DAY:
            os.utime(self.target_path)

    def _parse(self) -> None:
        """Parse into a folder beside the final one: what a killed parse leaves is never used."""
        from dbt.cli.main import dbtRunner

        unfinished = self.folder / f"unfinished-{self.target_path.name}"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir()
        result = dbtRunner().invoke(["--quiet", "parse", *self._arguments(unfinished)])
        if not result.success:
            raise DbtProjectError(str(result.exception))
        # What is known of columns is marked with the version of its model's SQL, so that most of it holds.
        newest = max(self._siblings(), key=lambda path: path.stat().st_mtime, default=None)
        if newest and (newest / "columns.json").exists():
            shutil.copyfile(newest / "columns.json", unfinished / "columns.json")
        unfinished.rename(self.target_path)

    def _remove_unused(self) -> None:
        for path in [*self._siblings(), *self.folder.glob("unfinished-*")]:
            if time.time() - path.stat().st_mtime > _UNUSED_DAYS * _DAY:
                shutil.rmtree(path, ignore_errors=True)

    def _siblings(self) -> list[Path]:
        """The folders of other versions of the project."""
        return [path for path in self.folder.glob(f"{self.target}-*") if path != self.target_path]


def _fingerprint(*others: str) -> str:
    """Of all that a manifest is made from: the project's place, files and parser.

    All files are read. They are a megabyte, which takes a few milliseconds more than asking for their times.
    """
    versions = [f"{name} {version(name)}" for name in ("dbt-core", "dbt-duckdb", "dbt-snowflake")]
    digest = hashlib.sha256("\0".join([str(PROJECT_DIR), *versions, *others]).encode())
    for path in _project_files():
        digest.update(f"\0{path.relative_to(PROJECT_DIR)}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def _project_files() -> list[Path]:
    folders = [PROJECT_DIR / name for name in ("models", "macros")]
    found = (Path(root, name) for folder in folders for root, _, names in os.walk(folder) for name in names)
    return sorted([*found, *PROJECT_DIR.glob("*.yml")])
