"""Progress where there is no terminal: plain lines, not too many."""

import io
import os
import pty
import select
import subprocess
import sys

from rich.console import Console

from retail_assets.cli.progress import Lines, progress


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def test_a_line_per_step_and_at_most_one_a_second_between():
    clock, output = Clock(), io.StringIO()
    display = Lines(Console(file=output, width=30), {"raw_erp": 30}, clock)
    display.started("raw_erp")
    for number in range(30):
        clock.now += 0.25
        display.done("raw_erp", f"raw_erp/table_with_a_long_name_{number}")
    clock.now += 1.5
    display.ended("raw_erp", "done")
    said = output.getvalue().splitlines()
    assert said[0] == "raw_erp: started"
    assert said[-1] == "raw_erp: done, 9.0 s"
    assert said[1:-1] == [
        f"raw_erp: {done} of 30, raw_erp/table_with_a_long_name_{done - 1}" for done in range(4, 31, 4)
    ]


def test_names_are_no_markup_and_nothing_is_coloured():
    output = io.StringIO()
    with progress(Console(file=output, force_terminal=False), {"[red]step": 1}) as display:
        display.started("[red]step")
        display.ended("[red]step", "failed")
    assert output.getvalue() == "[red]step: started\n[red]step: failed, 0.0 s\n"


BAR = """
import os, sys, time
from rich.console import Console
from retail_assets.cli.progress import progress
with progress(Console(width=100), {"a": 1, "b": 1}) as display:
    display.started("a")
    # As Dagster does while a step runs.
    os.dup2(os.open(sys.argv[1], os.O_CREAT | os.O_WRONLY), 1)
    os.write(1, b"of the step")
    display.done("a", "[x]/first")
    sys.stdin.read()
"""


def test_a_terminal_has_a_bar_which_moves_while_output_is_led_elsewhere(tmp_path):
    of_steps = tmp_path / "steps.txt"
    ours, its = pty.openpty()
    command = [sys.executable, "-c", BAR, str(of_steps)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=its) as child:
        os.close(its)
        seen = ""
        while "1/2" not in seen:
            assert select.select([ours], [], [], 60)[0], seen
            seen += os.read(ours, 10_000).decode()
        assert child.poll() is None
        child.communicate()
    os.close(ours)
    assert "[x]/first" in seen
    assert of_steps.read_text() == "of the step"
