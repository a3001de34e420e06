"""Whether the roles in Snowflake have what the set-up grants them, for `doctor`."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from typing import Any

from retail_assets.deployment.snowflake_setup import script
from retail_assets.resources.warehouse import Warehouse, WarehouseError
from retail_assets.settings import Settings

Grant = tuple[str, str, str]
"""Privilege, kind of object, and its name, in capitals."""

# Of what exists now. Grants on all or future tables are not listed by role and object.
_ON_OBJECT = re.compile(r"grant ([\w, ]+) on (database|schema|warehouse) ([\w.]+) to role (\w+)", re.I)
_OF_ROLE = re.compile(r"grant role (\w+) to role (\w+)", re.I)


def check_roles(settings: Settings, manifest: Mapping[str, Any], warehouse: Warehouse) -> str:
    """A line on each of the product's roles. Raises `WarehouseError` with the statements that are missing."""
    expected = _expected(script(settings, manifest, "setup").splitlines(), settings.snowflake_database)
    told, missing = [], []
    for role, statements in expected.items():
        try:
            held = _held(warehouse.query(f"show grants to role {role}").to_pylist())
        except WarehouseError as error:
            missing.append(f"{role} cannot be looked at: {error}")
            continue
        lacking = [each for each in statements if not statements[each] <= held]
        missing += [f"{role} lacks a grant: {each};" for each in lacking]
        if not lacking:
            told.append(role)
    if missing:
        raise WarehouseError("\n".join(missing))
    return f"{', '.join(told)} have their grants"


def _expected(lines: Iterable[str], database: str) -> Mapping[str, Mapping[str, Set[Grant]]]:
    """By role the statements that grant it something, each with what it grants."""
    found: dict[str, dict[str, set[Grant]]] = defaultdict(dict)
    for line in lines:
        statement = line.removesuffix(";")
        if granted := _ON_OBJECT.fullmatch(statement):
            privileges, kind, name, role = granted.groups()
            found[role][statement] = {
                (privilege.strip().upper(), kind.upper(), name.upper()) for privilege in privileges.split(",")
            }
        elif granted := _OF_ROLE.fullmatch(statement):
            member, role = granted.groups()
            # Of sysadmin only what the product's roles are is of interest, and it may not be looked at.
            if role.upper().startswith(f"{database.upper()}_"):
                found[role][statement] = {("USAGE", "ROLE", member.upper())}
    return found


def _held(rows: Sequence[Mapping[str, Any]]) -> Set[Grant]:
    """What `show grants to role` lists. An owner needs no further grant on what it owns."""
    return set(_granted(rows))


def _granted(rows: Sequence[Mapping[str, Any]]) -> Iterator[Grant]:
    for row in rows:
        kind, name = row["granted_on"].upper(), row["name"].replace('"', "").upper()
        yield row["privilege"].upper(), kind, name
        if row["privilege"].upper() == "OWNERSHIP":
            yield from ((privilege, kind, name) for privilege in ("USAGE", "CREATE SCHEMA"))
