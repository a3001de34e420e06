"""`dagster dev` with the project's webserver, which other web pages cannot use, in place of Dagster's own."""

from collections.abc import Sequence
from typing import Any

from retail_assets.internals import dev

DAGSTERS = ("-m", "dagster_webserver")
OURS = ("-m", "retail_assets.deployment.webserver")


def with_our_webserver(arguments: Sequence[str]) -> list[str]:
    """The arguments of a process, with our webserver where Dagster's own was."""
    python, *rest = arguments
    if tuple(rest[:2]) == DAGSTERS:
        rest = [*OURS, *rest[2:]]
    return [python, *rest]


def main() -> None:
    """`dagster dev`, with its own arguments."""
    started_by: Any = dev
    original = started_by.open_ipc_subprocess

    def open_ipc_subprocess(parts: Sequence[str], **settings: Any) -> Any:
        return original(with_our_webserver(parts), **settings)

    started_by.open_ipc_subprocess = open_ipc_subprocess
    dev.dev_command()


if __name__ == "__main__":
    main()
