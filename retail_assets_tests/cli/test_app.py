"""What the command line says before it does anything."""

import sys

import pytest
from typer.testing import CliRunner

from retail_assets import cli
from retail_assets.cli.app import app
from retail_assets.settings import SYSTEMS


def test_windows_is_told_in_a_sentence(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(SystemExit, match="does not run on Windows"):
        cli.main()


@pytest.mark.parametrize("command", ["init", "inspect"])
def test_the_help_names_all_systems(command: str):
    """It is written out there: the settings, which know them, load slowly."""
    shown = " ".join(CliRunner().invoke(app, [command, "--help"]).output.replace("│", " ").split())
    for system in SYSTEMS:
        assert system in shown
