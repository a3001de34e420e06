"""Segments in words: name, description and a suggested action for marketing."""

from collections.abc import Collection, Mapping

from retail_assets.segmentation.features import NUMBERS, Number

CLEAR = 0.5
"""A feature is mentioned if the segment is at least so many standard deviations from the average."""
MOST_WORDS = 4
_MOSTLY = 0.6

Deviations = Mapping[str, float]
"""How far a segment is from the average, by feature, in standard deviations."""


def description(deviations: Deviations, category: str | None, category_share: float) -> str:
    """For example 'Buys often, pays full price; mostly Garden.'"""
    words = [each.much if deviations[each.name] > 0 else each.little for each in _clear(deviations)]
    text = ", ".join(words[:MOST_WORDS]) or "close to the average consumer"
    if category and category_share >= _MOSTLY:
        text += f"; mostly {category}"
    return text[0].upper() + text[1:] + "."


def name(deviations: Deviations, category: str | None, category_share: float, taken: Collection[str]) -> str:
    """For example 'Frequent full-price buyers', with as many words as make it differ from `taken`."""
    clear = _clear(deviations)
    words = [each.much_name if deviations[each.name] > 0 else each.little_name for each in clear]
    subject = f"{category} buyers" if category and category_share >= _MOSTLY else "buyers"
    found = ""
    for length in range(min(2, len(words)), len(words) + 1):
        found = " ".join([*words[:length], subject]) if words else f"average {subject}"
        found = found[0].upper() + found[1:]
        if found not in taken:
            return found
    number = 2
    while f"{found} ({number})" in taken:
        number += 1
    return f"{found} ({number})"


def suggested_action(deviations: Deviations) -> str:
    """What marketing may do: the action of the first rule that holds, the most useful rules first."""
    for needed, action in _ACTIONS:
        if all(deviations.get(feature, 0.0) * sign >= CLEAR for feature, sign in needed.items()):
            return action
    return "Keep in touch with the general newsletter, and watch which offers they take."


def left_out(reasons: Mapping[str, str]) -> str:
    """The features that a model could not use, grouped by reason; empty if there are none.

    For example 'Made without age, web sessions (missing for everybody).'
    """
    by_reason: dict[str, list[str]] = {}
    for feature, reason in sorted(reasons.items()):
        by_reason.setdefault(reason, []).append(feature.replace("_", " "))
    parts = [f"{', '.join(features)} ({reason})" for reason, features in by_reason.items()]
    return f"Made without {'; '.join(parts)}." if parts else ""


_ACTIONS: tuple[tuple[dict[str, int], str], ...] = (
    ({"recency_days": 1, "lifetime_value": 1}, "Win back in person: good customers who have stopped."),
    ({"recency_days": 1, "average_basket": 1}, "Win back: an offer on what filled their baskets."),
    ({"recency_days": 1}, "One reminder with a time limit, then no more spending on them."),
    ({"reseller_share": 1, "margin_rate": -1}, "A contact of their own; look at prices, which leave little."),
    ({"reseller_share": 1}, "Volume terms and a contact of their own."),
    ({"return_rate": 1, "discount_share": 1}, "Fewer discount mails; show sizes and reviews beforehand."),
    ({"discount_share": 1}, "Tell them of offers first, and test smaller discounts."),
    ({"return_rate": 1}, "Advice on size and fit before they buy; ask why parcels come back."),
    ({"orders_last_year": 1, "discount_share": -1}, "Reward without discounts: early access, service."),
    ({"orders_last_year": 1}, "Reward loyalty; suggest what goes with their last purchase."),
    ({"average_basket": 1}, "Offer delivery, advice and sets for large purchases."),
    ({"category_concentration": 1}, "Show them the category next to the one that they keep to."),
    ({"orders_last_year": -1}, "A welcome series with a reason for the second order."),
    ({"products_per_order": -1}, "Show what goes with what they are about to buy."),
)  # fmt: skip


def _clear(deviations: Deviations) -> list[Number]:
    """The features to mention: those used in clustering before the descriptive ones, the clearest first."""
    named = [each for each in NUMBERS if abs(deviations.get(each.name, 0.0)) >= CLEAR]
    return sorted(named, key=lambda each: (not each.weight, -round(abs(deviations[each.name]), 6), each.name))
