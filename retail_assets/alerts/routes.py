"""To whom what goes: destinations from the environment, routes from `alerts.yml` in the home.

    routes:
      - to: oncall              # a name in RETAIL_ALERT_URLS
        severity: error         # only errors; without it warnings too
      - to: analysts
        owners: ["team:analysts"]
      - to: finance
        sources: [erp]          # only what is wrong in rows of the ERP
    sources:                    # who answers for a source system: messages about its rows say so
      erp: "Finance IT, finance-it@example.com"

Without the file everything goes to every destination.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from retail_assets.alerts.incidents import Incident, Severity
from retail_assets.errors import UserError
from retail_assets.settings import Settings

FILE = "alerts.yml"
System = Literal["erp", "webshop", "crm", "inventory", "marketing", "geo"]
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
    sources: tuple[System, ...] = ()

    def takes(self, incident: Incident) -> bool:
        """Whether an incident goes this way."""
        systems = {each.split(" ")[0] for each in incident.sources}
        return (
            (incident.severity == "error" or self.severity == "warning")
            and (not self.owners or incident.owner in self.owners)
            and (not self.sources or not systems.isdisjoint(self.sources))
        )


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    routes: tuple[Route, ...] | None = None
    sources: Mapping[System, str] = {}


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
    listed = _read(settings).routes if follow else None
    if listed is None:
        return [Route(to=name) for name in known]
    for route in listed:
        if route.to not in known:
            raise RoutesError(
                f"{FILE} in the home sends to '{route.to}', of which RETAIL_ALERT_URLS has no address."
                f" There {'are: ' + ', '.join(sorted(known)) if known else 'is none'}."
            )
    return listed


def contacts(settings: Settings) -> Mapping[str, str]:
    """Who answers for a source system, by its name. Raises `RoutesError` if the file cannot be read."""
    return {str(system): who for system, who in _read(settings).sources.items()}


def _read(settings: Settings) -> _File:
    path = settings.home / FILE
    if not path.exists():
        return _File()
    try:
        return _File(**yaml.safe_load(path.read_text(encoding="utf-8")))
    except (yaml.YAMLError, ValidationError, TypeError) as error:
        raise RoutesError(f"{FILE} in the home is no list of routes: {_problem(error)}") from None


def _problem(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    if isinstance(error, yaml.YAMLError):
        return " ".join(str(error).split())
    return "it has `routes:`, each with `to`, and `sources:`."
