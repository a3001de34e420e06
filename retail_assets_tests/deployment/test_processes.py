"""How the project's processes begin and end."""

import signal
import subprocess
import sys

BECOMES = """
import sys
from retail_assets.deployment.processes import become
become([sys.executable, "-c", "import signal; print(signal.getsignal(signal.SIGINT).__name__)"])
"""
WRITES_LAST = """
import atexit, os
from retail_assets.deployment.processes import end_quietly
atexit.register(os.write, 2, b"what DuckDB says")
end_quietly()
os.write(2, b"what the program says")
"""


def test_what_is_started_in_the_background_can_be_ended():
    """A shell has it ignore SIGINT, and Dagster does on SIGTERM what is to be done on that."""
    found = subprocess.run(
        [sys.executable, "-c", BECOMES],
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.strip() == "default_int_handler"


def test_nothing_is_said_after_the_last_word():
    found = subprocess.run([sys.executable, "-c", WRITES_LAST], capture_output=True, text=True, check=True)
    assert found.stderr == "what the program says"
