"""Progress where there is no terminal: plain lines, not too many."""

import io

from rich.console import Console

from retail_assets.cli.progress import Lines, progress


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def test_a_line_per_step_and_at_most_one_a_second_between():
    clock, console = Clock(), Console(file=io.StringIO(), width=30)
    display = Lines(console, {"raw_erp": 30}, clock)
    display.started("raw_erp")
    for number in range(30):
        clock.now += 0.25
        display.done("raw_erp", f"raw_erp/table_with_a_long_name_{number}")
    clock.now += 1.5
    display.ended("raw_erp", "done")
    said = console.file.getvalue().splitlines()
    assert said[0] == "raw_erp: started"
    assert said[-1] == "raw_erp: done, 9.0 s"
    assert said[1:-1] == [
        f"raw_erp: {done} of 30, raw_erp/table_with_a_long_name_{done - 1}" for done in range(4, 31, 4)
    ]


def test_names_are_no_markup_and_nothing_is_coloured():
    console = Console(file=io.StringIO(), force_terminal=False)
    with progress(console, {"[red]step": 1}) as display:
        display.started("[red]step")
        display.ended("[red]step", "failed")
    assert console.file.getvalue() == "[red]step: started\n[red]step: failed, 0.0 s\n"


def test_a_terminal_has_a_bar():
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    with progress(console, {"a": 1, "b": 1}) as display:
        display.started("a")
        display.done("a", "[x]/first")
    assert "[x]/first" in console.file.getvalue()
    assert "1/2" in console.file.getvalue()
