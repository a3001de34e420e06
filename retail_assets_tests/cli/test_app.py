"""What the command line says before it does anything."""

import sys

import pytest

from retail_assets import cli


def test_windows_is_told_in_a_sentence(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(SystemExit, match="does not run on Windows"):
        cli.main()
