"""What may be said of a URL: not the user, the password or what stands behind the `?`, where tokens are."""

import re
from collections.abc import Iterator
from urllib.parse import unquote_plus

# What stands behind the `?` and is no secret, so that a driver's message on it can be understood. What has
# another name may be one.
_HARMLESS = {
    "driver", "server", "port", "database", "dbname", "host", "charset", "encoding", "sslmode",
    "sslcert", "encrypt", "encryption", "trustservercertificate", "trusted_connection",
    "authentication", "tds_version", "hostnameincertificate", "servercertificate",
    "applicationintent", "multisubnetfailover", "app", "appname", "application_name", "timeout",
    "login_timeout", "connect_timeout", "read_timeout", "options", "readonly",
}  # fmt: skip


def shown(url: str) -> str:
    """A URL as people may see it: `scheme://host:port/path`. A plain path is shown as it is."""
    scheme, mark, rest = url.partition("://")
    place, _, query = rest.partition("?")
    # A password may have an @ or a ? in it that should have been encoded.
    return f"{scheme}{mark}{'***' if '@' in query else place.rpartition('@')[2]}" if mark else url


def without_secrets(text: str, url: str) -> str:
    """Another program's message on a URL, without what may be secret of it, whole or in parts."""
    for secret in sorted({*_secrets(url)} - {""}, key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", "***", text)
    return text


def _secrets(url: str) -> Iterator[str]:
    rest = url.partition("://")[2]
    user, _, password = rest.rpartition("@")[0].partition(":")
    query = rest.partition("?")[2]
    # Where it has an @, the `?` may be one of a password's.
    pairs = re.findall(r"([^&=]*)=([^&]*)", query)
    values = [value for name, value in pairs if "@" in query or not _is_harmless(name)]
    for value in (password or user, *values):
        for text in (value, unquote_plus(value)):
            # Who takes a URL apart otherwise may name a part.
            yield from (text, *re.split(r"[/@:?]", text))
            # `odbc_connect` holds pairs itself.
            yield from (
                part for name, part in re.findall(r"([^;=]*)=([^;]*)", text) if not _is_harmless(name)
            )


def _is_harmless(name: str) -> bool:
    return name.strip().lower() in _HARMLESS
