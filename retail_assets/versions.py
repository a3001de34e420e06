"""The versions that numbers come from."""

import platform
from importlib.metadata import version


def libraries(*names: str) -> dict[str, str]:
    """Those of Python and of the packages with these names."""
    return {"python": platform.python_version(), **{name: version(name) for name in names}}
