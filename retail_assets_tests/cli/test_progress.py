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


def test_a_terminal_has_a_bar():
    output = io.StringIO()
    with progress(Console(file=output, force_terminal=True, width=100), {"a": 1, "b": 1}) as display:
        display.started("a")
        display.done("a", "[x]/first")
    assert "[x]/first" in output.getvalue()
    assert "1/2" in output.getvalue()
