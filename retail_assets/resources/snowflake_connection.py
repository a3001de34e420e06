"""How Snowflake is connected to: dlt, dbt and the product all ask here, so that none does otherwise."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from retail_assets.errors import UserError
from retail_assets.resources.tags import query_tag
from retail_assets.settings import Settings

_PEM = re.compile(r"-----BEGIN (ENCRYPTED )?PRIVATE KEY-----([\sA-Za-z0-9+/=]+)-----END \1?PRIVATE KEY-----")


class CredentialsError(UserError):
    """There is no usable private key or password; the message says which variable to set."""


def private_key(settings: Settings) -> str:
    """The private key as PEM, from the environment or its file; empty if there is none.

    Raises `CredentialsError` if there is something else.
    """
    key = settings.snowflake_private_key.get_secret_value().replace("\\n", "\n")
    if key:
        where = "RETAIL_SNOWFLAKE_PRIVATE_KEY"
    elif settings.snowflake_private_key_file:
        where = f"RETAIL_SNOWFLAKE_PRIVATE_KEY_FILE ({settings.snowflake_private_key_file})"
        try:
            key = Path(settings.snowflake_private_key_file).expanduser().read_text(encoding="ascii")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is no text"
            raise CredentialsError(f"{where} cannot be read: {reason}.") from None
    else:
        return ""
    found = _PEM.search(key)
    if not found:
        raise CredentialsError(
            f"{where} is no private key in PEM. It begins with '-----BEGIN PRIVATE KEY-----', or with"
            " '-----BEGIN ENCRYPTED PRIVATE KEY-----' if it has a passphrase."
        )
    if found[1] and not settings.snowflake_private_key_passphrase.get_secret_value():
        raise CredentialsError(f"{where} is encrypted. Set RETAIL_SNOWFLAKE_PRIVATE_KEY_PASSPHRASE.")
    return found[0]


def credentials(settings: Settings) -> Mapping[str, str]:
    """`private_key` as PEM, with its `passphrase` if it is encrypted; else the `password`.

    Raises `CredentialsError` if there is neither.
    """
    key = private_key(settings)
    passphrase = settings.snowflake_private_key_passphrase.get_secret_value()
    password = settings.snowflake_password.get_secret_value()
    if key:
        # A passphrase that is not needed is refused.
        is_encrypted = key.startswith("-----BEGIN ENCRYPTED")
        return {"private_key": key, "passphrase": passphrase} if is_encrypted else {"private_key": key}
    if not password:
        raise CredentialsError(
            "There is nothing to log in to Snowflake with. Set RETAIL_SNOWFLAKE_PRIVATE_KEY_FILE,"
            " RETAIL_SNOWFLAKE_PRIVATE_KEY or RETAIL_SNOWFLAKE_PASSWORD."
        )
    return {"password": password}


def place(settings: Settings) -> Mapping[str, Any]:
    """Where the account is reached, if not at its own address."""
    if not settings.snowflake_host:
        return {}
    return {
        "host": settings.snowflake_host,
        "port": settings.snowflake_port,
        "protocol": settings.snowflake_protocol,
    }


def limits(settings: Settings) -> Mapping[str, Any]:
    """How long is waited, in seconds."""
    return {
        "login_timeout": settings.snowflake_login_timeout,
        "network_timeout": settings.snowflake_network_timeout,
    }


def session_parameters(settings: Settings) -> dict[str, Any]:
    """The parameters of every session: times are UTC without a zone, and statements have a timeout."""
    parameters = {
        "TIMEZONE": "UTC",
        "TIMESTAMP_TYPE_MAPPING": "TIMESTAMP_NTZ",
        # The text of a time says the same as in DuckDB: versions.stored_key, and row_key in staging.sql.
        "TIMESTAMP_NTZ_OUTPUT_FORMAT": "YYYY-MM-DD HH24:MI:SS.FF6",
        "STATEMENT_TIMEOUT_IN_SECONDS": settings.snowflake_statement_timeout,
        # A statement whose process is gone ends by itself.
        "ABORT_DETACHED_QUERY": True,
    }
    tag = query_tag()
    return parameters | ({"QUERY_TAG": tag} if tag else {})


def connector_arguments(settings: Settings) -> dict[str, Any]:
    """What the connector is called with. Raises `CredentialsError`."""
    arguments = {
        "account": settings.snowflake_account,
        "user": settings.snowflake_user,
        "database": settings.snowflake_database,
        "schema": settings.snowflake_schema,
        "warehouse": settings.snowflake_warehouse,
        "role": settings.snowflake_role,
        **_login(settings),
        **place(settings),
        **limits(settings),
        "session_parameters": session_parameters(settings),
    }
    return {name: value for name, value in arguments.items() if value != ""}


def _login(settings: Settings) -> Mapping[str, Any]:
    """The credentials as the connector takes them."""
    found = credentials(settings)
    if "private_key" not in found:
        return found
    # Between its first and last line PEM is what the connector calls DER in base64.
    lines = [line.strip() for line in found["private_key"].splitlines() if not line.startswith("-----")]
    passphrase = found.get("passphrase")
    return {
        "private_key": "".join(lines),
        **({"private_key_passphrase": passphrase.encode()} if passphrase else {}),
    }
