"""docs/your-data.md, followed word for word in an empty folder: what it shows is what is printed."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from retail_assets.deployment.readme import README

PAGE = README.parent / "docs" / "your-data.md"
FIRST_RUN = "## 5. The first day"

COMMAND = f"""#!/bin/sh
PYTHONPATH='{README.parent}' exec '{sys.executable}' -m retail_assets.cli "$@"
"""


def _steps(text: str) -> Iterator[tuple[str, list[str]]]:
    """Each block of commands, with the lines that the page shows of what they print."""
    for block in re.finditer(r"^```sh\n(.*?)^```\n(?:\s*\n)?", text, re.MULTILINE | re.DOTALL):
        until_next = re.split(r"^```sh$", text[block.end() :], maxsplit=1, flags=re.MULTILINE)[0]
        shown = re.search(r"^```text\n(.*?)^```", until_next, re.MULTILINE | re.DOTALL)
        yield block[1], shown[1].splitlines() if shown else []


def _plain(text: str) -> str:
    """A text without its layout: one space for any, numbers without the zeros at their end."""
    without_zeros = re.sub(
        r"\d[\d,]*\.\d+", lambda found: f"{Decimal(found[0].replace(',', '')).normalize():f}", text
    )
    return " ".join(without_zeros.split())


class Reader:
    """Somebody who follows the page."""

    def __init__(self, folder: Path):
        self.folder = folder / "empty"
        self.folder.mkdir()
        commands = folder / "commands"
        commands.mkdir()
        (commands / "retail-assets").write_text(COMMAND)
        (commands / "retail-assets").chmod(0o755)
        self.environment = {
            "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(folder),
            "COLUMNS": "80",
        }

    def follow(self, text: str) -> None:
        steps = list(_steps(text))
        assert steps
        for commands, shown in steps:
            done = subprocess.run(
                ["bash", "-e", "-c", commands],
                cwd=self.folder,
                env=self.environment,
                capture_output=True,
                text=True,
                timeout=300,
                check=False,
            )
            said = f"{commands}\n{done.stdout}\n{done.stderr}"
            assert done.returncode == 0, said
            printed, place = _plain(done.stdout), 0
            for line in shown:
                found = printed.find(_plain(line), place)
                assert found >= 0, f"{line!r} is not what is printed by\n{said}"
                place = found + len(_plain(line))


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    """Somebody who has followed the page up to the first run."""
    reader = Reader(tmp_path_factory.mktemp("your-data"))
    reader.follow(PAGE.read_text(encoding="utf-8").partition(FIRST_RUN)[0])
    return reader


def test_up_to_the_first_run(reader):
    assert not (reader.folder / ".retail" / "retail.duckdb").exists()
    assert (reader.folder / "webshop.yml").exists()


def test_from_the_first_run_on(reader):
    _, heading, rest = PAGE.read_text(encoding="utf-8").partition(FIRST_RUN)
    assert heading
    reader.follow(rest)


def test_the_readme_leads_here():
    assert f"docs/{PAGE.name}" in README.read_text(encoding="utf-8")
