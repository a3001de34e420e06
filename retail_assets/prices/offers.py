"""The plan of offers: what past ones brought, and what is expected of those ahead."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import exp, log
from typing import Any

from retail_assets.prices.catalog import (
    AHEAD,
    BY_ELASTICITY,
    CALENDAR,
    CATEGORY,
    COLUMNS,
    ESTIMATED,
    KINDS,
    LOST,
    OPEN,
    PAID,
    PLAN,
    UNKNOWN_VERDICT,
    WILL_LOSE,
    WILL_PAY,
)
from retail_assets.prices.kinds import NORMAL, Expected, Kind, Past, by_depth, by_mean, depth_of
from retail_assets.prices.outlook import DAYS as BASE_DAYS
from retail_assets.prices.outlook import Base, Sales, base_of, groups_named, outlook
from retail_assets.prices.panel import PRODUCTS, SALES, UNKNOWN
from retail_assets.resources.sessions import Session
from retail_assets.resources.sql import monday, text
from retail_assets.resources.weekly_tables import weeks_later

TENTH = depth_of(0.1)

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Plan:
    """What a week's offers are told."""

    kinds: Sequence[Row]
    offers: Sequence[Row]


def is_there(session: Session) -> bool:
    """Whether the deployment has offers at all."""
    schema, name = CALENDAR.split(".")
    ((there,),) = session(
        "select count(*) from information_schema.tables"
        f" where lower(table_schema) = '{schema}' and lower(table_name) = '{name}'"
    )
    return bool(there)


def plan_of(session: Session, week: str, elasticities: Sequence[Row]) -> Plan:
    """The plan as of the end of a week, whose calendar and elasticities are there."""
    calendar = session.read(
        f"select * from {CALENDAR} where week_start = {monday(week)} order by valid_from, offer_id"
    ).to_pylist()
    kinds = {
        channel: _kind(channel, calendar) for channel in sorted({row["sales_channel"] for row in calendar})
    }
    ahead = any(row["state"] == AHEAD for row in calendar)
    market = _Market.read(session, week, elasticities) if ahead else None
    rows = [
        _ahead(row, kinds[row["sales_channel"]], market, calendar)
        if market and row["state"] == AHEAD
        else _measured(row)
        for row in calendar
    ]
    return Plan(
        [_kind_row(week, kind) for kind in kinds.values()], [_complete(PLAN, week, row) for row in rows]
    )


def _kind(channel: str, calendar: Sequence[Row]) -> Kind:
    """The channel's settled offers that have an estimate."""
    past = []
    for row in calendar:
        if row["sales_channel"] != channel or not row["is_settled"] or not row["uplift_low"]:
            continue
        discount = float(row["discount_pct"]) if row["discount_pct"] is not None else None
        amount = float((row["measured_net_amount"] or 0) + (row["measured_discount"] or 0))
        past.append(
            Past(
                row["offer_id"],
                row["valid_from"],
                row["valid_to"],
                log(row["uplift"]),
                (log(row["uplift_high"]) - log(row["uplift_low"])) / (2 * NORMAL),
                depth_of(discount),
                float(row["measured_discount"] or 0),
                (discount or 0.0) * amount,
            )
        )
    return Kind(channel, past)


def _kind_row(week: str, kind: Kind) -> Row:
    mean, tenth = by_mean(kind.past), by_depth(kind.past, TENTH)
    errors = kind.errors or (None, None)
    return _complete(
        KINDS,
        week,
        {
            "sales_channel": kind.channel,
            "offers": len(kind.past),
            "method": kind.method,
            "reason": kind.reason,
            **_times("mean_uplift", mean),
            **_times("uplift_at_tenth", tenth),
            "take_up": kind.take_up,
            "tested": len(kind.trials),
            "own_error": errors[0],
            "mean_error": errors[1],
            "model": kind.to_json(),
        },
    )


def _times(name: str, expected: Expected | None) -> Row:
    if not expected:
        return {}
    wide = min(NORMAL * expected.error, 10.0)
    middle = expected.log_uplift
    return {name: exp(middle), f"{name}_low": exp(middle - wide), f"{name}_high": exp(middle + wide)}


def _described(row: Row) -> dict[str, Any]:
    names = ("offer_id", "offer_name", "sales_channel", "state", "discount_pct", "valid_from", "valid_to")
    return {name: row[name] for name in names}


def _measured(row: Row) -> Row:
    """What an offer that has begun brought, so far."""
    told = _described(row) | {
        "quantity": row["measured_quantity"],
        "quantity_without": row["expected_quantity"],
        "discount_cost": row["measured_discount"],
        "margin": row["measured_margin"],
        **{
            f"{name}{end}": row[f"{name}{end}"]
            for name in ("uplift", "margin_uplift")
            for end in ("", "_low", "_high")
        },
    }
    brought, low, high = (told[f"margin_uplift{end}"] for end in ("", "_low", "_high"))
    if row["uplift"] is None:
        said = "Too little was sold of its products, or of others, before and while it runs to compare them."
        return told | {"verdict": UNKNOWN_VERDICT, "explanation": said}
    if brought is None:
        said = "The cost of some of its pieces is not known, so nobody can say what it brought."
        return told | {"verdict": UNKNOWN_VERDICT, "explanation": f"{_uplift_words(row)} {said}"}
    verdict = _verdict(low, high, PAID, LOST)
    begins = {
        PAID: "It paid",
        LOST: "It did not pay",
        OPEN: "Whether it paid is not certain",
    }[verdict]
    said = (
        f"{begins}: {brought:+,.2f} of margin {_interval(low, high)}, after"
        f" {row['measured_discount']:,.2f} of discount. {_uplift_words(row)}"
    )
    if not row["is_settled"]:
        said += " This is so far: the days after it are not over."
    return told | {"verdict": verdict, "explanation": said}


def _verdict(low: Any, high: Any, better: str, worse: str) -> str:
    if low is not None and low > 0:
        return better
    return worse if high is not None and high < 0 else OPEN


def _interval(low: Any, high: Any) -> str:
    return f"({'?' if low is None else f'{low:+,.2f}'} to {'?' if high is None else f'{high:+,.2f}'})"


def _uplift_words(row: Row) -> str:
    ends = (row["uplift_low"], row["uplift_high"])
    return f"{row['uplift']:.2f} times as many pieces were sold ({ends[0]:.2f} to {ends[1]:.2f})."


@dataclass(frozen=True)
class _Market:
    """What sells at the end of a week, and how it answers to prices."""

    end: date
    sales: Sequence[Sales]
    groups: Mapping[str, Sequence[str]]
    """The product groups of each channel."""
    offered: Mapping[int, Sequence[str]]
    """The product groups that were sold under each past offer."""
    elasticities: Mapping[str, Row]
    """Of each category with an estimate."""

    @classmethod
    def read(cls, session: Session, week: str, elasticities: Sequence[Row]) -> "_Market":
        end = weeks_later(week, 1)
        first = date.fromisoformat(end) - timedelta(days=BASE_DAYS)
        sales = session.read(f"""
        select
            sales.sales_date,
            sales.sales_channel,
            sales.country,
            sales.product_group,
            coalesce(products.category, 'unknown') as category,
            cast(sum(sales.quantity) as double) as quantity,
            cast(sum(sales.net_amount) as double) as net_amount,
            case when count(sales.margin) = count(*) then cast(sum(sales.margin) as double) end as margin,
            max(case when sales.is_under_offer then 1 else 0 end) as is_on_offer
        from {SALES} as sales
        left join {PRODUCTS} as products on sales.product_key = products.product_key
        where
            sales.sales_date >= {monday(first.isoformat())}
            and sales.sales_date < {monday(end)}
            and sales.product_key <> {text(UNKNOWN)}
        group by 1, 2, 3, 4, 5
        order by 1, 2, 3, 4, 5""").to_pylist()
        offered = session.read(f"""
        select distinct offer_id, sales_channel, product_group
        from {SALES}
        where is_under_offer and sales_date < {monday(end)}
        order by 1, 2, 3""").to_pylist()
        groups: dict[str, set[str]] = {}
        by_offer: dict[int, list[str]] = {}
        for each in sales:
            groups.setdefault(each["sales_channel"], set()).add(each["product_group"])
        for each in offered:
            by_offer.setdefault(each["offer_id"], []).append(each["product_group"])
        return cls(
            date.fromisoformat(end),
            [
                Sales(
                    each["sales_date"],
                    each["sales_channel"],
                    each["country"],
                    each["product_group"],
                    each["category"],
                    each["quantity"],
                    each["net_amount"],
                    each["margin"],
                    bool(each["is_on_offer"]),
                )
                for each in sales
            ],
            {channel: sorted(names) for channel, names in groups.items()},
            by_offer,
            {
                row["category"]: row
                for row in elasticities
                if row["level"] == CATEGORY and row["status"] == ESTIMATED
            },
        )

    def groups_of(self, row: Row, calendar: Sequence[Row]) -> Sequence[str]:
        """The product groups that an offer is for: those that it names, else those of its last run."""
        named = groups_named(
            f"{row['terms'] or ''} {row['offer_name'] or ''}", self.groups.get(row["sales_channel"], ())
        )
        if named:
            return named
        runs = [
            self.offered[each["offer_id"]]
            for each in calendar
            if each["offer_id"] in self.offered
            and each["sales_channel"] == row["sales_channel"]
            and each["state"] != AHEAD
            and (
                (row["offer_name"] and each["offer_name"] == row["offer_name"])
                or (row["offer_code"] and each["offer_code"] == row["offer_code"])
            )
        ]
        return runs[-1] if runs else []

    def by_elasticity(self, base: Base, depth: float, discount: float) -> Expected | str:
        """The uplift by the categories' elasticities, or why they do not tell."""
        lacking = sorted(base.categories.keys() - self.elasticities.keys())
        if lacking:
            return f"the price elasticity of {', '.join(lacking)} is not known"
        total = sum(base.categories.values())
        slope = error = 0.0
        for category, pieces in sorted(base.categories.items()):
            row = self.elasticities[category]
            if 1 - discount < row["lowest_share"]:
                return f"no price of {category} was ever as low as it would be"
            slope += pieces / total * row["elasticity"]
            error += pieces / total * (row["elasticity_high"] - row["elasticity_low"]) / (2 * NORMAL)
        return Expected(-slope * depth, error * depth)


def _ahead(row: Row, kind: Kind, market: _Market, calendar: Sequence[Row]) -> Row:
    """What is expected of an offer, or why nothing is."""
    told = _described(row)

    def unknown(why: str) -> Row:
        return told | {"verdict": UNKNOWN_VERDICT, "explanation": why}

    discount = float(row["discount_pct"]) if row["discount_pct"] is not None else None
    depth = depth_of(discount)
    if discount is None or depth is None:
        return unknown("What it takes off is not known.")
    if row["valid_to"] is None:
        return unknown("It has no last day, so nobody knows how much will be sold under it.")
    groups = market.groups_of(row, calendar)
    if not groups:
        return unknown(
            "Which products it is for is not known: its terms name no product group that the channel sells,"
            " and no offer of its name or code ran before."
        )
    base = base_of(market.sales, row["sales_channel"], row["country"], groups, market.end)
    if base is None:
        return unknown(
            f"Too little of {', '.join(groups)} was sold without an offer in the {BASE_DAYS} days before."
        )
    expected = kind.expected(depth)
    if expected is None:
        found = market.by_elasticity(base, depth, discount)
        if isinstance(found, str):
            return unknown(f"The channel has {kind.reason[0].lower()}{kind.reason[1:-1]}; and {found}.")
        expected = BY_ELASTICITY, found
    method, uplift = expected
    days = (row["valid_to"] - row["valid_from"]).days + 1
    middle = (row["valid_from"] - market.end).days + days / 2
    figures = outlook(base, uplift, discount, kind.take_up, days, middle)
    told |= {"method": method, **figures}
    mean = by_mean(kind.past)
    if mean:
        plain = outlook(base, mean, discount, kind.take_up, days, middle)
        told |= {
            "mean_uplift": plain["uplift"],
            "mean_quantity": plain["quantity"],
            "mean_margin_uplift": plain.get("margin_uplift"),
        }
    said = (
        f"{figures['quantity']:,.0f} pieces of {', '.join(groups)} are expected"
        f" ({figures['quantity_low']:,.0f} to {figures['quantity_high']:,.0f}),"
        f" {figures['quantity_without']:,.0f} without it; {figures['discount_cost']:,.2f} of discount."
    )
    basis = {
        BY_ELASTICITY: "By the price elasticity alone, which no past offer has confirmed.",
    }.get(method, kind.reason)
    if "margin_uplift" not in figures:
        return told | {
            "verdict": UNKNOWN_VERDICT,
            "explanation": f"{said} A cost is not known, so nobody can say whether it will pay. {basis}",
        }
    low, high = figures["margin_uplift_low"], figures["margin_uplift_high"]
    return told | {
        "verdict": _verdict(low, high, WILL_PAY, WILL_LOSE),
        "explanation": f"{figures['margin_uplift']:+,.2f} of margin {_interval(low, high)}: {said} {basis}",
    }


def _complete(name: str, week: str, row: Row) -> Row:
    """A row with every column of the table, in its digits."""
    return {
        "week_start": week,
        **{
            column: f"{value:.6f}" if isinstance(value := row.get(column), float) else value
            for column in COLUMNS[name]
            if column != "week_start"
        },
    }
