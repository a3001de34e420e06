"""What may be said of a URL: not the user, the password or what stands behind the `?`, where tokens are."""

import re
from collections.abc import Iterator
from urllib.parse import unquote_plus


def shown(url: str) -> str:
    """A URL as people may see it: `scheme://host:port/path`. A plain path is shown as it is."""
    scheme, mark, rest = url.partition("://")
    place, _, query = rest.partition("?")
    # A password may have an @ or a ? in it that should have been encoded.
    return f"{scheme}{mark}{'***' if '@' in query else place.rpartition('@')[2]}" if mark else url


def without_secrets(text: str, url: str) -> str:
    """Another program's message on a URL, without what `shown` leaves out, whole or in parts."""
    for secret in sorted({*_secrets(url)} - {""}, key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", "***", text)
    return text


def _secrets(url: str) -> Iterator[str]:
    rest = url.partition("://")[2]
    user, _, password = rest.rpartition("@")[0].partition(":")
    values = re.findall(r"=([^&]*)", rest.partition("?")[2])
    for value in (password or user, *values):
        for text in (value, unquote_plus(value)):
            # `odbc_connect` holds pairs itself; who takes a URL apart otherwise may name a part.
            yield from (text, *re.split(r"[/@:?]", text), *re.findall(r"=([^;]*)", text))
