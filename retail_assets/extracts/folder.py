"""Where extracts are put: a folder, or a bucket. A reader sees a file's former content or all of the new."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryDirectory
from typing import Any

UNFINISHED = ".unfinished-"
"""How files and folders begin that are being written."""


class Folder:
    """A folder on this machine, or one that fsspec opens by its URL."""

    def __init__(self, place: str):
        # Not at the top: the definitions load often, and need none of it.
        import fsspec

        local = place if "://" in place else str(Path(place).expanduser().absolute())
        self._files, path = fsspec.core.url_to_fs(local)
        self._path = path.rstrip("/")
        self._is_local = "file" in _protocols(self._files)

    def write(self, name: str, make: Callable[[Path], None]) -> None:
        """Put a file there that `make` writes."""
        target = f"{self._path}/{name}"
        if not self._is_local:
            # A bucket shows an object when all of it has arrived.
            with TemporaryDirectory() as folder:
                made = Path(folder, "made")
                make(made)
                self._files.put_file(str(made), target)
            return
        parent = Path(target).parent
        _make_folder(parent)
        # A temporary file is its owner's only, and the extract stays so.
        with NamedTemporaryFile(dir=parent, prefix=UNFINISHED, delete=False) as file:
            unfinished = Path(file.name)
        try:
            make(unfinished)
            with unfinished.open("rb") as file:
                os.fsync(file.fileno())
            unfinished.replace(target)
        finally:
            unfinished.unlink(missing_ok=True)

    def read_json(self, name: str) -> Any:
        """What is in a file; None if there is none, or no JSON."""
        try:
            return json.loads(self._files.cat_file(f"{self._path}/{name}"))
        except (FileNotFoundError, ValueError):
            return None

    def parquet_rows(self, name: str) -> int:
        """How many rows a Parquet file has, by its own word."""
        from pyarrow import parquet

        with self._files.open(f"{self._path}/{name}", "rb") as file:
            return int(parquet.read_metadata(file).num_rows)

    def names(self, folder: str) -> set[str]:
        """The files in a folder within, without its name."""
        try:
            found = self._files.ls(f"{self._path}/{folder}", detail=False, refresh=True)
        except FileNotFoundError:
            return set()
        return {each.rstrip("/").rsplit("/", 1)[-1] for each in found}

    def remove(self, name: str) -> None:
        """Take a file away, if it is there."""
        if self._files.exists(f"{self._path}/{name}"):
            self._files.rm_file(f"{self._path}/{name}")

    def remove_unfinished(self, folder: str) -> None:
        """Take away what processes left that were killed. One writes at a time."""
        for name in self.names(folder):
            if name.startswith(UNFINISHED):
                self._files.rm(f"{self._path}/{folder}/{name}", recursive=True)

    def place(self, name: str) -> str:
        """Where a file is, as people write it."""
        path = f"{self._path}/{name}".rstrip("/")
        return path if self._is_local else str(self._files.unstrip_protocol(path))


def _make_folder(folder: Path) -> None:
    """A folder for its owner only, and those above it that are not there."""
    if not folder.exists():
        _make_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def _protocols(files: Any) -> tuple[str, ...]:
    return (files.protocol,) if isinstance(files.protocol, str) else tuple(files.protocol)
