"""To whom what goes: destinations from the environment, routes from `alerts.yml` in the home.

    routes:
      - to: oncall              # a name in RETAIL_ALERT_URLS
        severity: error         # only errors; without it warnings too
      - to: analysts
        owners: ["team:analysts"]

Without the file everything goes to every destination.
"""

import re
from collections.abc import Mapping, Sequence

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from retail_assets.alerts.incidents import Severity
from retail_assets.errors import UserError
from retail_assets.settings import Settings

FILE = "alerts.yml"
# What a destination without a name is called.
UNNAMED = "default"


class RoutesError(UserError):
    """`alerts.yml` or the addresses of alerts cannot be used."""


class Route(BaseModel):
    """One line of the file: what it does not name it takes all of."""

    model_config = ConfigDict(extra="forbid")

    to: str
    severity: Severity = "warning"
    owners: tuple[str, ...] = ()

    def takes(self, severity: Severity, owner: str) -> bool:
        """Whether an incident goes this way."""
        return (severity == "error" or self.severity == "warning") and (
            not self.owners or owner in self.owners
        )


def destinations(settings: Settings) -> Mapping[str, Sequence[str]]:
    """The addresses by the name of their destination. They are secrets."""
    found: dict[str, list[str]] = {}
    for word in settings.alert_urls.get_secret_value().split():
        named = re.fullmatch(r"([\w-]+)=(\w[\w+.-]*://.*)", word)
        name, url = (named[1], named[2]) if named else (UNNAMED, word)
        found.setdefault(name, []).append(url)
    return found


def routes(settings: Settings, *, follow: bool = True) -> Sequence[Route]:
    """The routes of the home, or to everybody without `follow`. Raises `RoutesError` if one leads nowhere."""
    known = destinations(settings)
    path = settings.home / FILE
    if not follow or not path.exists():
        return [Route(to=name) for name in known]
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        listed = [Route(**each) for each in content["routes"]]
    except (yaml.YAMLError, ValidationError, TypeError, KeyError) as error:
        raise RoutesError(f"{FILE} in the home is no list of routes: {_problem(error)}") from None
    for route in listed:
        if route.to not in known:
            raise RoutesError(
                f"{FILE} in the home sends to '{route.to}', of which RETAIL_ALERT_URLS has no address."
                f" There {'are: ' + ', '.join(sorted(known)) if known else 'is none'}."
            )
    return listed


def _problem(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    if isinstance(error, yaml.YAMLError):
        return " ".join(str(error).split())
    return "it begins with `routes:`, and each has `to`."
