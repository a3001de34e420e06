"""What a reader has chosen: days and filters, as the address of the page says it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from retail_assets.dashboards.pages import Page

YEAR = timedelta(weeks=52)
"""A year back is 52 weeks, so that the same weekdays are compared."""
# Days before and after these leave no room for the days that they are compared with.
FIRST_YEAR, LAST_YEAR = 1900, 2999


@dataclass(frozen=True)
class Choice:
    """Days, the last one included, and what is chosen of each filter: nothing is everything."""

    first: date
    last: date
    chosen: Mapping[str, Sequence[str]] = field(default_factory=dict)
    ignored: Sequence[str] = ()
    """One sentence for each part of the address that says nothing."""

    @property
    def end(self) -> date:
        """The day after the last."""
        return self.last + timedelta(days=1)

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    def back(self, time: timedelta) -> "Choice":
        """The same choice of earlier days."""
        return replace(self, first=self.first - time, last=self.last - time)

    def before(self, page: Page) -> "Choice":
        """The period that comes before, of the same length."""
        return self.back(timedelta(days=page.before or self.days))

    @property
    def year_before(self) -> "Choice":
        return self.back(YEAR)


def choice(
    page: Page,
    newest: date,
    address: Mapping[str, Sequence[str]],
    options: Mapping[str, Sequence[str]],
) -> Choice:
    """The choice that an address makes: `from`, `to` and filters by name. `newest` is the last whole day."""
    ignored: list[str] = []
    last = _day(address, "to", ignored) or newest
    first = _day(address, "from", ignored) or last - timedelta(days=page.days - 1)
    if first > last:
        ignored.append(
            f"The period would end before it begins ({first} to {last}), so its days were swapped."
        )
        first, last = last, first
    chosen = {}
    for name, possible in options.items():
        wanted = [value for value in address.get(name, ()) if value]
        unknown = [value for value in wanted if value not in possible]
        if unknown:
            ignored.append(f"{page.filters[name].label} has no {', '.join(unknown)}.")
        chosen[name] = [value for value in possible if value in wanted]
    return Choice(first, last, chosen, ignored)


def _day(address: Mapping[str, Sequence[str]], name: str, ignored: list[str]) -> date | None:
    said = next((value for value in address.get(name, ()) if value), None)
    if said is None:
        return None
    try:
        day = date.fromisoformat(said)
    except ValueError:
        ignored.append(f"'{said}' is no day; write it as 2024-03-31.")
        return None
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        ignored.append(f"{said} is not a day that a retailer has.")
        return None
    return day
