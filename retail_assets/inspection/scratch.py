"""A warehouse and a dbt project of their own, in a folder that is thrown away."""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from retail_assets.catalog.project import Project
from retail_assets.deployment import home
from retail_assets.settings import Settings


@contextmanager
def scratch_home(settings: Settings) -> Iterator[Settings]:
    """The settings of a home that lives as long as the context. Its warehouse is DuckDB, whatever theirs is.

    What the process's environment says of the home is the same for as long.
    """
    known = dict(os.environ)
    with TemporaryDirectory(prefix="retail-inspect-") as folder:
        nowhere = dict.fromkeys(("dashboards_folder", "extracts_folder"), "")
        scratch = settings.model_copy(update={"home": Path(folder), "warehouse": "duckdb", **nowhere})
        for name in ("DAGSTER_HOME", "RETAIL_HOME", "RETAIL_EVENT_LOG_DIR"):
            os.environ.pop(name, None)
        try:
            home.prepare(scratch)
            take_parsed(Project(settings), Project(scratch))
            yield scratch
        finally:
            os.environ.clear()
            os.environ.update(known)


def take_parsed(theirs: Project, ours: Project) -> None:
    """Spare parsing the project again where the home has it parsed."""
    parsed: Sequence[str] = ("manifest.json", "partial_parse.msgpack")
    if theirs.target == ours.target and all((theirs.target_path / name).exists() for name in parsed):
        unfinished = ours.folder / "copied"
        unfinished.mkdir(parents=True)
        for name in parsed:
            shutil.copyfile(theirs.target_path / name, unfinished / name)
        unfinished.rename(ours.target_path)
