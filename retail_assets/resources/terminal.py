"""What data and messages look like in a terminal: harmless, and as wide as it is."""

import unicodedata

from rich.text import Text

# Characters that a terminal obeys instead of showing: controls, and those that turn the direction of a text.
_OBEYED = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}


def harmless(text: object) -> str:
    """A text with what a terminal would obey written out: an escape is `\\x1b`, a line's end `\\n`."""
    return "".join(
        each.encode("unicode_escape", "surrogatepass").decode()
        if unicodedata.category(each) in _OBEYED and each not in "\u00ad\u200d"
        else each
        for each in str(text)
    )


def lines(text: object, style: str = "") -> Text:
    """A message of one or more lines as it is: brackets in it are no markup."""
    return Text("\n".join(map(harmless, str(text).splitlines())), style)
