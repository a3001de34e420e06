"""Trying mutations in a copy of the checkout. The working tree is never changed."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from retail_assets_tests.mutations.catalogue import CHECKOUT, Mutation

CAUGHT, SURVIVED = "caught", "survived"
# What says nothing of the law: the mutation or the test has to be mended.
GONE, NO_VERDICT = "the old text is no longer there", "the tests did not run"

TIMEOUT = 1200
# pytest's exit codes.
ALL_PASSED, SOME_FAILED = 0, 1


@dataclass(frozen=True)
class Verdict:
    """What came of a mutation, and what the tests said."""

    outcome: str
    said: str = ""


@dataclass(frozen=True)
class Copy:
    """A copy of the checkout, as it stands with what is not committed yet."""

    folder: Path

    def tests(self, names: Sequence[str], *, first_only: bool) -> tuple[int | None, str]:
        """pytest's exit code, none if it took too long, and what it said of failures."""
        options = ["-q", "-n", "0", "-p", "no:cacheprovider", f"--basetemp={self.folder.parent / 'tests'}"]
        command = [sys.executable, "-m", "pytest", *options, *(["-x"] if first_only else []), *names]
        environment = {**os.environ, "PYTHONPATH": str(self.folder)}
        try:
            done = subprocess.run(
                command,
                cwd=self.folder,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
                timeout=TIMEOUT,
            )
        except subprocess.TimeoutExpired:
            return None, f"no end after {TIMEOUT} seconds"
        return done.returncode, done.stdout

    def tried(self, mutation: Mutation) -> Verdict:
        """Plant the mutation, run its tests, and take it back."""
        path = self.folder / mutation.file
        as_it_was = path.read_text(encoding="utf-8") if path.exists() else ""
        if as_it_was.count(mutation.old) != 1:
            return Verdict(GONE)
        path.write_text(as_it_was.replace(mutation.old, mutation.new), encoding="utf-8")
        try:
            code, output = self.tests(mutation.tests, first_only=True)
        finally:
            path.write_text(as_it_was, encoding="utf-8")
        if code == ALL_PASSED:
            return Verdict(SURVIVED)
        # A fixture that fails says that nothing can be built any more, not that the law is broken.
        if code == SOME_FAILED and re.search("^FAILED ", output, re.MULTILINE):
            return Verdict(CAUGHT, first_error(output))
        return Verdict(NO_VERDICT, output[-1000:])


@contextmanager
def copy_of_checkout() -> Iterator[Copy]:
    """A copy in a temporary folder, of all files that are Git's or would be."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    with TemporaryDirectory(prefix="retail-mutations-") as temporary:
        folder = Path(temporary) / "checkout"
        for name in filter(None, listed.split("\0")):
            if (CHECKOUT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(CHECKOUT / name, folder / name)
        yield Copy(folder)


def failing_anyway(copy: Copy, mutations: Sequence[Mutation]) -> set[str]:
    """Those of the mutations' tests that fail without them, which would catch anything."""
    named = sorted({test for mutation in mutations for test in mutation.tests})
    code, output = copy.tests(named, first_only=False)
    if code == ALL_PASSED:
        return set()
    failed = set(re.findall(r"^(?:FAILED|ERROR) (\S+)", output, re.MULTILINE))
    # Nothing is known of those that were not run.
    return {test for test in named if any(each.startswith(test) for each in failed)} or set(named)


def first_error(output: str) -> str:
    """The first line in which pytest says what failed."""
    found = re.search(r"^E\s+(.+)$", output, re.MULTILINE)
    return found[1] if found else ""
