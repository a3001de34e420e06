"""Where a company's own tables, views and files have what the contract asks for: one YAML file per system.

    timezone: Europe/London            # of times that name no zone; RETAIL_<SYSTEM>_TIMEZONE by default
    keys: text                         # or number; by default the first load decides
    only: true                         # tables that are not named here are not ingested
    tables:
      orders:                          # a table of the contract
        from: OrderHead                # the source's table, view or file, if it has another name; or
        select: select * from orders   # the source's SQL; for files DuckDB's, each file or folder a table
        key: [shop, number]            # columns that make the key: several are hashed into one
        modified: changed              # the row's own time of change; `none`: the table is read whole
        columns:
          status: state                # the source's column, or an expression over its columns
          created_at: coalesce(placed, paid)
          sale_price: [net, price - rebate]    # the first that the source has
          user_id: {hash: [shop, buyer]}   # as a key of several columns is made
          shipped_at: null             # it may be missing, and that is known
        sometimes: [state]             # columns that not every file has: null where it has none
        values:
          status: {paid: Complete}     # the source's words: the contract's
        defaults:
          status: Complete             # where the source has no such column, or leaves it empty

A table that is null is not ingested. `extends` builds on a shipped mapping or another file, and `variables`
fill `{name}` in `from` and `select`.
"""

import re
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from retail_assets.catalog.contract import Names, SourceTable
from retail_assets.ingestion.errors import SourceError

# <name>.<system>.yml; those named blank are to be filled in.
SHIPPED = Path(__file__).parents[1] / "mappings"
BLANK = "blank"
# The contract's column that has a row's own time of change.
CHANGE_COLUMNS = ("modified_at", "modified_date")


class MappingError(SourceError):
    """A mapping that cannot be used; the message names file, table and key."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Hash(_Strict):
    """A key that is made of several columns: the same for the same values, on every day."""

    hash: tuple[str, ...] = Field(min_length=1)


Column: TypeAlias = str | tuple[str, ...] | Hash | None


class TableMapping(_Strict):
    """Where a table of the contract comes from."""

    from_: str | None = Field(None, alias="from", min_length=1)
    select: str | None = Field(None, min_length=1)
    key: tuple[str, ...] = ()
    modified: str | None = None
    timezone: str | None = None
    columns: Mapping[str, Column] = {}
    sometimes: tuple[str, ...] = ()
    values: Mapping[str, Mapping[str, str]] = {}
    defaults: Mapping[str, str] = {}

    @property
    def is_snapshot(self) -> bool:
        """Whether it says that there is no time of change."""
        return "modified" in self.model_fields_set and self.modified is None

    @field_validator("key", mode="before")
    @classmethod
    def _one_or_more(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @field_validator("modified", mode="before")
    @classmethod
    def _or_none(cls, value: Any) -> Any:
        return None if isinstance(value, str) and value.strip().lower() == "none" else value

    @field_validator("columns", mode="before")
    @classmethod
    def _kinds_of_columns(cls, value: Any) -> Any:
        if not isinstance(value, Mapping):
            raise ValueError("name the contract's columns, each with the source's: `status: state`")
        for name, column in value.items():
            if isinstance(column, bool | int | float):
                raise ValueError(f"{name} is {column}: write a constant under `defaults`")
            is_hash = isinstance(column, Mapping) and set(column) == {"hash"}
            is_choice = isinstance(column, list | tuple) and all(isinstance(each, str) for each in column)
            if not (column is None or isinstance(column, str | Hash) or is_hash or is_choice):
                raise ValueError(
                    f"{name} is a column of the source, an expression, a list of these of which the first"
                    " that is there counts, null, or {hash: [column, ...]}"
                )
        return value

    @field_validator("values", "defaults", mode="before")
    @classmethod
    def _texts(cls, value: Any) -> Any:
        return _as_text(value)

    @field_validator("timezone")
    @classmethod
    def _known_timezone(cls, name: str | None) -> str | None:
        return _zone(name)

    @model_validator(mode="after")
    def _is_whole(self) -> "TableMapping":
        for name, words in self.values.items():
            if len({word.strip().lower() for word in words}) < len(words):
                raise ValueError(f"values.{name} names a word twice; capitals make no difference")
        return self


class SystemMapping(_Strict):
    """Where the tables of a system come from."""

    extends: str | None = None
    variables: Mapping[str, str] = {}
    timezone: str | None = None
    keys: Literal["text", "number"] | None = None
    only: bool = False
    tables: Mapping[str, TableMapping | None] = {}  # one that is null is not ingested
    path: str = Field("", exclude=True)

    @field_validator("variables", mode="before")
    @classmethod
    def _texts(cls, value: Any) -> Any:
        return _as_text(value)

    @field_validator("timezone")
    @classmethod
    def _known_timezone(cls, name: str | None) -> str | None:
        return _zone(name)

    @property
    def is_own(self) -> bool:
        """Whether a company wrote all of it: it is not shipped, and builds on no other."""
        return bool(self.path) and self.extends is None and Path(self.path).parent != SHIPPED

    @cached_property
    def filled(self) -> Mapping[str, TableMapping]:
        """The tables with the variables in them."""
        return {name: self._filled(table) for name, table in self.tables.items() if table}

    def _filled(self, table: TableMapping) -> TableMapping:
        changes = {}
        for field in ("from_", "select"):
            text = getattr(table, field)
            if text:
                for name, value in self.variables.items():
                    text = text.replace(f"{{{name}}}", value)
                changes[field] = text
        return table.model_copy(update=changes)

    def covers(self, table: SourceTable) -> bool:
        """Whether the table is ingested."""
        return self.tables[table.name] is not None if table.name in self.tables else not self.only

    def of(self, table: SourceTable) -> TableMapping:
        """What it says of a table: nothing, where it does not name it."""
        return self.filled.get(table.name, _NOTHING)

    def described(self, table: SourceTable, kind: Literal["sql", "files"]) -> SourceTable:
        """The contract's table as it is read from this source."""
        said = self.of(table)
        changes: dict[str, Any] = {
            "kind": kind,
            "timezone": said.timezone or self.timezone,
            # A file holds what changed, not all lines of the orders that changed.
            "parent": table.parent if kind == "sql" else None,
        }
        if said.is_snapshot:
            changes |= {"modified": (), "load": "snapshot"}
        elif said.modified:
            changes["modified"] = (change_column(table),)
        return replace(table, **changes)

    def refuse_lost_words(self, table: SourceTable, columns: Container[str]) -> None:
        """Raise `MappingError` if it translates words of a column that is not there."""
        for name in self.of(table).values:
            if name not in columns:
                raise MappingError(
                    f"{self.path}: tables.{table.name}.values.{name}: there is no such column; name it under"
                    " `columns`."
                )

    def columns_of(self, table: SourceTable) -> Mapping[str, Column]:
        """The contract's columns that it says anything of, keys and time of change included."""
        said = self.of(table)
        columns = dict(said.columns)
        if said.modified:
            columns[change_column(table) or ""] = said.modified
        if len(said.key) == len(table.primary_key):
            columns |= dict(zip(table.primary_key, said.key, strict=True))
        elif said.key:
            columns[table.primary_key[0]] = Hash(hash=said.key)
        return columns


_NOTHING = TableMapping()
NO_MAPPING = SystemMapping()


def place_of(wanted: str | Sequence[str], names: Names) -> tuple[str | None, str]:
    """What a mapping means by a column: a name of the source's, or None and the expression.

    Of a choice the first that the source has; an expression is always there.
    """
    choices = [wanted] if isinstance(wanted, str) else list(wanted)
    for choice in choices:
        is_name = names.has(choice) or re.fullmatch(r"[\w ]+", choice)
        name = names.find(choice) if is_name else None
        if name is not None or not is_name:
            return name, choice
    return None, choices[-1]


def refuse_rivals(names: Names, wanted: str, what: str, remedy: str) -> None:
    """Raise `SourceError` if several of the names may be the wanted one, equally well."""
    rivals = names.rivals(wanted)
    if rivals:
        raise SourceError(
            f"{what} has {' and '.join(rivals)}, and each of them may be {wanted}. Write {remedy} which one"
            f" counts, such as `{rivals[0]}`."
        )


def change_column(table: SourceTable) -> str | None:
    """The contract's column for a row's own time of change, if the table has one."""
    names = {column.name for column in table.columns}
    return next((name for name in CHANGE_COLUMNS if name in names), None)


def load_mapping(
    named: str, tables: Sequence[SourceTable], kind: Literal["sql", "files"], home: Path
) -> SystemMapping:
    """The mapping that RETAIL_<SYSTEM>_MAPPING names: a shipped one, or a file below here or the home.

    Raises `MappingError` if it is not there or says something that the contract does not know.
    """
    if not named:
        return NO_MAPPING
    system = tables[0].system
    path = _path(named, system, home)
    mapping = _parsed(path, system, home)
    problems = list(_problems(mapping, system, tables, kind))
    if problems:
        raise MappingError("\n".join(f"{path}: {ended(problem)}" for problem in problems))
    return mapping.model_copy(update={"path": str(path)})


def shipped_mappings(system: str) -> list[str]:
    """The names of the mappings that are shipped for a system."""
    names = {path.name.removesuffix(f".{system}.yml") for path in SHIPPED.glob(f"*.{system}.yml")}
    return sorted(names - {BLANK})


def _path(named: str, system: str, home: Path) -> Path:
    setting = f"RETAIL_{system.upper()}_MAPPING"
    if named in shipped_mappings(system):
        return SHIPPED / f"{named}.{system}.yml"
    given = Path(named).expanduser()
    for path in (given, home / given):
        if path.is_file():
            return path.absolute()
    known = shipped_mappings(system)
    missed = (
        f"{setting} is {named}: there is no such file, and no mapping of that name is shipped for"
        f" {system}{nearest(named, known) if known else ''}"
    )
    raise MappingError(f"{ended(missed)} Give a YAML file; `retail-assets init {system}` writes one.")


def _parsed(path: Path, system: str, home: Path, extended: tuple[Path, ...] = ()) -> SystemMapping:
    if path in extended:
        raise MappingError(f"{path}: extends: {path.name} extends itself")
    said = _read(path)
    mapping = _validated(said, path)
    if mapping.extends is None:
        return mapping
    given = path.parent / mapping.extends
    base = given if given.is_file() else _path(mapping.extends, system, home)
    below = _parsed(base, system, home, (*extended, path))
    return _validated(_on_top(below.model_dump(by_alias=True, exclude_unset=True), said), path)


def _on_top(below: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    """A mapping on top of another: what it says of a table counts, key by key."""
    merged = {**below, **said}
    merged["variables"] = {**below.get("variables", {}), **(said.get("variables") or {})}
    tables = {**below.get("tables", {})}
    for name, table in (said.get("tables") or {}).items():
        if table is None:
            tables[name] = None
            continue
        lower = dict(tables.get(name) or {})
        # A table comes from one place.
        if isinstance(table, dict) and table.keys() & {"from", "select"}:
            lower = {key: value for key, value in lower.items() if key not in ("from", "select")}
        tables[name] = {**lower, **table}
    merged["tables"] = tables
    return merged


class _Loader(yaml.SafeLoader):
    """YAML as people write it: `no` and `12:30` are words, and a key that is there twice is a mistake."""

    yaml_implicit_resolvers = {}

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key_node, _ in node.value:
            if key_node.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"`{key_node.value}` is there twice", key_node.start_mark
                )
            if isinstance(key_node, yaml.ScalarNode):
                seen.add(key_node.value)
        return super().construct_mapping(node, deep)


for _tag, _pattern, _first in (
    ("bool", r"true|false|True|False", [*"tfTF"]),
    ("int", r"-?(0|[1-9][0-9]*)", [*"-0123456789"]),
    ("float", r"-?(0|[1-9][0-9]*)\.[0-9]+", [*"-0123456789"]),
    ("null", r"~|null|Null|NULL|", [*"~nN", ""]),
    ("merge", r"<<", ["<"]),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), _first)


def _read(path: Path) -> dict[str, Any]:
    try:
        said = yaml.load(path.read_text(encoding="utf-8-sig"), _Loader)
    except (OSError, UnicodeDecodeError) as error:
        raise MappingError(f"{path} cannot be read: {error}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise MappingError(
            f"{path}{where}: {getattr(error, 'problem', None) or error}. It is no YAML that can be read."
        ) from None
    if said is None:
        return {}
    if not isinstance(said, dict):
        raise MappingError(f"{path} has no keys. It begins with `tables:`.")
    return said


def _validated(said: Mapping[str, Any], path: Path) -> SystemMapping:
    try:
        return SystemMapping.model_validate(said)
    except ValidationError as error:
        raise MappingError("\n".join(f"{path}: {_sentence(each, said)}" for each in error.errors())) from None


_KEYS: dict[int, type[BaseModel]] = {1: SystemMapping, 3: TableMapping}


def _sentence(problem: Mapping[str, Any], said: Mapping[str, Any]) -> str:
    place = [str(part) for part in problem["loc"]]
    if problem["type"] == "extra_forbidden":
        model = _KEYS.get(len(place), TableMapping)
        known = [field.alias or name for name, field in model.model_fields.items()]
        within = ".".join(place[:-1])
        return ended(f"{within + ': ' if within else ''}`{place[-1]}` is no key{nearest(place[-1], known)}")
    what = problem["msg"].removeprefix("Value error, ")
    if problem["type"] in ("mapping_type", "model_type", "model_attributes_type", "dict_type"):
        what = "it holds keys with their values, and has none"
    return f"{'.'.join(place) or 'it'}: {what[0].lower()}{what[1:]}."


def nearest(word: str, known: Iterable[str]) -> str:
    """The nearest known word, as the end of a sentence; all of them where none is near."""
    known = list(known)
    close = get_close_matches(word.lower(), known, n=1, cutoff=0.6)
    return f"; did you mean `{close[0]}`?" if close else f". There are: {', '.join(known)}"


def ended(sentence: str) -> str:
    """A sentence with its full stop, if it is no question."""
    return sentence if sentence.endswith("?") else f"{sentence.rstrip('.')}."


def _problems(mapping: SystemMapping, system: str, tables: Sequence[SourceTable], kind: str) -> Iterable[str]:
    """What the schema cannot know: the contract's names."""
    by_name = {table.name: table for table in tables}
    for name, said in mapping.tables.items():
        table = by_name.get(name)
        if table is None:
            yield f"tables: {system} has no table `{name}`{nearest(name, by_name)}"
            continue
        if said is None:
            continue
        if kind == "sql" and said.from_ and said.select:
            yield f"tables.{name}: a database has one of `from` and `select`; leave one out"
        if kind == "sql" and said.sometimes:
            yield f"tables.{name}.sometimes: it is for files; a database's columns are there or not"
        for problem in _table_problems(said, table):
            yield f"tables.{name}.{problem}"


def _table_problems(said: TableMapping, table: SourceTable) -> Iterable[str]:
    columns = {column.name: column for column in table.columns}
    for key in ("columns", "values", "defaults"):
        for name in getattr(said, key):
            if name not in columns:
                yield f"{key}: {table.name} has no column `{name}`{nearest(name, columns)}"
            elif key == "columns" and said.columns[name] is None and columns[name].is_required:
                yield f"{key}.{name}: {table.name} must have it; name the source's column"
    if said.key and len(said.key) != len(table.primary_key) != 1:
        yield f"key: {table.name} has a key of {len(table.primary_key)}: {', '.join(table.primary_key)}"
    if said.key and set(said.columns) & set(table.primary_key):
        yield f"key: `columns` names {', '.join(table.primary_key)} as well; leave one of them out"
    if said.modified and change_column(table) is None:
        yield f"modified: {table.name} is read whole, and has no time of change"
    if said.modified and change_column(table) in said.columns:
        yield f"modified: `columns` names {change_column(table)} as well; leave one of them out"
    for name, value in said.defaults.items():
        if name in columns and not _fits(value, columns[name].data_type):
            yield f"defaults.{name}: '{value}' is no {columns[name].data_type}"


def _fits(value: str, data_type: str) -> bool:
    import duckdb

    with duckdb.connect() as connection:
        result = connection.execute(f"select try_cast(? as {data_type})", [value]).fetchone()
    return bool(result and result[0] is not None)


def _as_text(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {_word(name): _as_text(each) for name, each in value.items()}
    return _word(value)


def _word(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


def _zone(name: str | None) -> str | None:
    if name is not None:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError(f"'{name}' is no IANA time zone; write for example Europe/Berlin") from None
    return name
