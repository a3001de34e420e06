"""The processes of a deployment, each by its own: `retail-assets serve`.

`dev` starts all three of them together. Here each can be restarted, or be on another machine, without the
others.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from retail_assets.deployment.home import CODE_LOCATION
from retail_assets.deployment.processes import become
from retail_assets.resources.ports import HOST
from retail_assets.settings import Settings

UI_PORT = 3000
WORKSPACE = Path(__file__).with_name("workspace.yaml")


Part = Literal["webserver", "daemon", "code"]


def arguments(part: Part, settings: Settings, more: Sequence[str]) -> list[str]:
    """The process's arguments. `more` are for Dagster's program, of which the last wins."""
    _, port = code_server(settings)
    workspace = [] if {"-w", "--workspace"} & set(more) else ["-w", str(WORKSPACE)]
    match part:
        case "webserver":
            ours = ["retail_assets.deployment.webserver", *workspace, "-h", HOST, "-p", str(UI_PORT)]
        case "daemon":
            ours = ["dagster._daemon", "run", *workspace]
        case "code":
            ours = ["dagster", "api", "grpc", "-h", HOST, "-p", port, "--inject-env-vars-from-instance"]
            # The code as the commands know it: their runs and the server's are of one deployment.
            ours += ["--location-name", CODE_LOCATION, "--empty-working-directory"]
            ours += [] if {"-m", "--module-name"} & set(more) else ["-m", CODE_LOCATION]
    return [sys.executable, "-m", *ours, *more]


def code_server(settings: Settings) -> tuple[str, str]:
    """Host and port of the code server."""
    host, _, port = settings.code_server.rpartition(":")
    return host, port


def serve(part: Part, settings: Settings, more: Sequence[str]) -> None:
    """Become that process."""
    host, port = code_server(settings)
    os.environ["RETAIL_CODE_SERVER_HOST"], os.environ["RETAIL_CODE_SERVER_PORT"] = host, port
    become(arguments(part, settings, more))
