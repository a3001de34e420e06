"""A mapping to begin with: which of a source's tables and columns may be what the contract asks for.

It is found by their names, which tell much and prove nothing: what is proposed is written down to be read.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher

from retail_assets.catalog.contract import Names, SourceColumn, SourceTable

# How alike two names have to be, of 1.
ALIKE_TABLES, ALIKE_COLUMNS = 0.6, 0.72
# What many systems call what the contract calls otherwise.
TABLE_SYNONYMS: Mapping[str, Sequence[str]] = {
    "orders": ("sales", "invoices", "receipts"),
    "order_items": ("order_lines", "lines", "positions", "invoice_lines", "sales_lines"),
    "sales_order_header": ("orders", "sales", "invoices", "order_head"),
    "sales_order_detail": ("order_lines", "lines", "order_items", "positions", "invoice_lines"),
    "sales_return": ("returns", "credit_notes"),
    "users": ("customers", "clients", "buyers"),
    "consumers": ("customers", "contacts", "members"),
    "customer": ("customers", "clients", "buyers"),
    "products": ("articles", "items", "goods"),
    "product": ("articles", "items", "goods"),
    "stock_levels": ("inventory", "stock"),
    "distribution_centers": ("warehouses", "locations", "depots"),
}
SYNONYMS: Mapping[str, Sequence[str]] = {
    "created_at": (
        "order_date",
        "ordered_at",
        "placed_at",
        "created",
        "date",
        "invoice_date",
        "registered_at",
    ),
    "order_date": ("ordered_at", "placed_at", "created_at", "invoice_date", "date"),
    "order_id": ("order_number", "order_no", "invoice", "invoice_number", "number"),
    "user_id": ("customer_id", "client_id", "buyer_id", "customer"),
    "customer_id": ("client_id", "buyer_id", "user_id", "customer"),
    "product_id": ("article_id", "item_id", "sku", "stock_code", "product"),
    "sku": ("stock_code", "article_number", "product_number", "item_number", "code"),
    "product_number": ("sku", "article_number", "item_number", "code"),
    "quantity": ("qty", "pieces", "units", "amount_of_pieces"),
    "order_qty": ("quantity", "qty", "pieces", "units"),
    "sale_price": ("price", "unit_price", "net_price"),
    "unit_price": ("price", "net_price"),
    "line_total": ("total", "amount", "net_amount", "line_amount"),
    "retail_price": ("list_price", "price"),
    "modified_at": ("updated_at", "changed_at", "last_modified", "last_update"),
    "modified_date": ("updated_at", "modified_at", "changed_at", "last_modified", "last_update"),
    "status": ("state", "order_status"),
    "email": ("email_address", "mail"),
    "name": ("title", "description"),
}


@dataclass(frozen=True)
class ProposedTable:
    """What of the source may be a table of the contract."""

    table: SourceTable
    relation: str
    columns: Mapping[str, str] = field(default_factory=dict)  # those that are there, whatever they are called

    @property
    def missing(self) -> Sequence[SourceColumn]:
        """Columns that the table must have and nothing was found for."""
        return [
            column for column in self.table.columns if column.is_required and column.name not in self.columns
        ]


def proposed(
    tables: Sequence[SourceTable],
    relations: Mapping[str, Sequence[str]],
    ask: Callable[[SourceTable, str | None], str | None],
) -> list[ProposedTable]:
    """For each table of the contract, the most similar relation of the source, if one is similar.

    `ask` gets the proposal and returns the relation to use, or None.
    """
    found = []
    for table in tables:
        chosen = ask(table, _most_similar(table, relations))
        if chosen:
            found.append(ProposedTable(table, chosen, columns_of(table, relations[chosen])))
    return found


def columns_of(table: SourceTable, names: Sequence[str]) -> dict[str, str]:
    """What of these names may be the table's columns. No name is two of them, unless it is written so."""
    source = Names(names)
    found = {}
    for column in table.columns:
        name = source.find(column.source_name)
        if name is not None:
            found[column.name] = name
    for column in table.columns:
        if column.name not in found:
            left = [name for name in names if name not in found.values()]
            name = _similar_column(table, column, left)
            if name is not None:
                found[column.name] = name
    return found


def written(system: str, place: str, tables: Sequence[SourceTable], found: Sequence[ProposedTable]) -> str:
    """The mapping as a file, with what it says of each column in a comment."""
    by_name = {each.table.name: each for each in found}
    lines = [
        f"# Where {system} has its rows, proposed from the names of what is at {place}.",
        f"# Read every line, correct it, and name this file in RETAIL_{system.upper()}_MAPPING;",
        "# `retail-assets doctor` says what is wrong with it.",
        "only: true",
        "tables:",
    ]
    for table in sorted(tables, key=lambda table: table.name not in by_name):
        each = by_name.get(table.name)
        if each is None:
            lines += ["", f"  # {table.name}: nothing like it was found; {table.without}."]
            continue
        block = _table_lines(each)
        if each.missing:
            names = ", ".join(column.name for column in each.missing)
            lines += ["", f"  # {table.name} cannot be ingested before it has {names}."]
            block = [f"  # {line[2:]}" if line.strip() else line for line in block]
        lines += ["", *block] if not each.missing else block
    return "\n".join(lines) + "\n"


def blank(system: str, tables: Sequence[SourceTable]) -> str:
    """A mapping to be filled in: every table with what it must have, and what is lost without the rest."""
    lines = [
        f"# Where a company has the rows of {system}: copy this file, take the # away where there is",
        f"# something, and name it in RETAIL_{system.upper()}_MAPPING. A table needs the columns that are",
        "# named first; of each other it is said what is lost without it. Columns that have the contract's",
        "# names need not be named.",
        "#",
        "# timezone: Europe/Berlin        # of times that name no zone; UTC by default",
        "# only: true                     # what is not named here is not ingested",
        "# tables:",
    ]
    for table in tables:
        lines += [
            "#",
            f"#   {table.name}:{_aside(table.name, 3, _grain(table))}",
            "#     from:                      # the table, view, file or folder; or `select:` with a query",
            "#     columns:",
        ]
        for column in sorted(table.columns, key=lambda column: not column.is_required):
            why = _plain(column.description) if column.is_required else f"without: {column.without}"
            lines.append(f"#       {column.name}:{_aside(column.name, 7, why)}")
    return "\n".join(lines) + "\n"


def _table_lines(each: ProposedTable) -> list[str]:
    table = each.table
    columns = []
    for column in table.columns:
        name = each.columns.get(column.name)
        if name is not None:
            columns.append(f"      {column.name}: {_scalar(name)}")
        elif column.is_required:
            why = f"must be there: {_plain(column.description)}"
            columns.append(f"      {column.name}:{_aside(column.name, 6, why)}")
        else:
            columns.append(f"      # {column.name}:{_aside(column.name, 8, f'without: {column.without}')}")
    return [
        f"  {table.name}:{_aside(table.name, 2, _grain(table))}",
        f"    from: {_scalar(each.relation)}",
        "    columns:",
        *columns,
    ]


def _grain(table: SourceTable) -> str:
    return _plain(table.description.removeprefix("Grain: one version of "))


def _plain(text: str) -> str:
    return text.rstrip(".")


def _aside(name: str, indent: int, text: str) -> str:
    return f"{' ' * max(2, 30 - indent - len(name))}# {text}"


def _scalar(name: str) -> str:
    """A name as YAML takes it for a text."""
    if re.fullmatch(r"[A-Za-z_][\w.]*( [\w.]+)*", name) and name.lower() not in (
        "null",
        "true",
        "false",
        "none",
    ):
        return name
    return "'" + name.replace("'", "''") + "'"


def _most_similar(table: SourceTable, relations: Mapping[str, Sequence[str]]) -> str | None:
    scores = {name: _similarity(table, name, columns) for name, columns in relations.items()}
    best = max(scores, key=lambda name: scores[name], default=None)
    return best if best is not None and scores[best] >= ALIKE_TABLES else None


def _similarity(table: SourceTable, relation: str, columns: Sequence[str]) -> float:
    """How alike the names are, and how much of what the table must have is there; 1 at most."""
    wanted = table.source_table.rpartition(".")[2]
    names = (wanted, table.name, *TABLE_SYNONYMS.get(table.name, ()))
    name = max(_alike(each, relation.rpartition(".")[2]) for each in names)
    found = columns_of(table, columns)
    required = [column.name for column in table.columns if column.is_required]
    return (name + sum(column in found for column in required) / len(required)) / 2


def _similar_column(table: SourceTable, column: SourceColumn, names: Sequence[str]) -> str | None:
    one = _singular(table.name)
    wanted = [column.source_name, *SYNONYMS.get(column.name, ())]
    if column.name == "id":
        wanted += [f"{one}_id", f"{one}_number", f"{one}_no"]
    elif column.name in table.primary_key:
        wanted += ["id"]
    source = Names(names)
    for each in wanted:
        name = source.find(each)
        if name is not None:
            return name
    alike = {name: _alike(column.source_name, name) for name in names}
    best = max(alike, key=lambda name: alike[name], default=None)
    return best if best is not None and alike[best] >= ALIKE_COLUMNS else None


def _alike(one: str, other: str) -> float:
    return SequenceMatcher(None, _bare(one), _bare(other)).ratio()


def _bare(name: str) -> str:
    return _singular(re.sub(r"[\W_]", "", name).lower())


def _singular(name: str) -> str:
    return re.sub(r"ies$", "y", name) if name.endswith("ies") else name.removesuffix("s")
