"""The command line: its commands, and how they launch runs."""

from retail_assets.cli.app import app, main

__all__ = ["app", "main"]
