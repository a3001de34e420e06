"""What all staging models have in common, tried on each of them: nothing read, versions of a row, windows, a
rebuild, conservation. And their own rules and values: those stand in staging_cases.yml.

The models are built on raw tables made from the contract: with no rows at all, after a first window, after
a second one, and from nothing. Rows of raw are plain ones (`_plain`) but for what a test says of them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from hashlib import md5
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

from retail_assets.catalog.project import PROJECT_DIR
from retail_assets_tests.transformation.dbt_on_raw import DbtOnRaw

MODELS = sorted(
    path.stem
    for path in (PROJECT_DIR / "models" / "staging").rglob("stg_*.sql")
    if not path.stem.endswith("_versions")
)
CASES: Mapping[str, Any] = yaml.safe_load(Path(__file__).with_name("staging_cases.yml").read_text())
TIMEZONE = "Europe/Berlin"
WINDOWS = {number: datetime.fromisoformat(f"2024-05-0{number}") for number in (1, 2, 3)}
LATE_EVENING = datetime.fromisoformat("2024-05-01 22:30:00")  # the next day in Berlin


@dataclass(frozen=True)
class Version:
    """A version of a raw row: the windows that brought it and found it deleted, when it was modified."""

    seen: int
    modified: datetime | None
    deleted: int | None = None
    valid: bool = True


@dataclass(frozen=True)
class History:
    """The versions of one row, and which of them stands in staging after the second window, if any."""

    versions: tuple[Version, ...]
    staged: int | None


HISTORIES = {
    "stays": History((Version(1, WINDOWS[1]),), staged=0),
    "changes": History((Version(1, WINDOWS[1]), Version(2, WINDOWS[2])), staged=1),
    "an older version comes later": History((Version(1, WINDOWS[2]), Version(2, WINDOWS[1])), staged=0),
    "differs without a new time": History((Version(1, WINDOWS[1]), Version(2, WINDOWS[1])), staged=1),
    "is deleted": History((Version(1, WINDOWS[1], deleted=2),), staged=None),
    "comes back": History((Version(1, WINDOWS[1], deleted=1), Version(2, WINDOWS[2])), staged=1),
    "comes after the window": History((Version(3, WINDOWS[3]),), staged=None),
    "becomes invalid": History((Version(1, WINDOWS[1]), Version(2, WINDOWS[2], valid=False)), staged=None),
    "becomes valid": History((Version(1, WINDOWS[1], valid=False), Version(2, WINDOWS[2])), staged=1),
    "has no time": History((Version(1, None),), staged=0),
    "is invalid and has no time": History((Version(1, None, valid=False),), staged=None),
}  # fmt: skip


@dataclass(frozen=True)
class RawRow:
    """A version of a row as it stands in raw: the contract's columns, and those that raw adds."""

    number: int
    values: Mapping[str, Any]
    version: Version = Version(1, WINDOWS[1])


@dataclass
class StagingModel:
    """A model with its raw table, and the rows that the tests put there."""

    node: Mapping[str, Any]
    source: Mapping[str, Any]
    rows: list[RawRow] = field(default_factory=list)
    histories: dict[str, list[RawRow]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return str(self.node["name"])

    @property
    def raw_table(self) -> str:
        return f"{self.source['schema']}.{self.source['identifier']}"

    @property
    def raw_key(self) -> list[str]:
        return list(self.source["config"]["meta"]["primary_key"])

    @property
    def key(self) -> list[str]:
        return list(self.node["config"]["unique_key"])

    @property
    def personal(self) -> set[str]:
        """Columns that are personal data, by raw's names: in keys they are hashed."""
        columns = self.source["columns"].values()
        return {each["name"] for each in columns if each["config"].get("meta", {}).get("pii")}

    @property
    def compares_all(self) -> bool:
        """Whether each run computes all rows, whatever its window."""
        return bool(self.node["config"]["incremental_strategy"] == "replace_changed")

    @cached_property
    def cases(self) -> Mapping[str, Any]:
        cases: Mapping[str, Any] = CASES.get(self.name, {})
        return cases

    @property
    def rules(self) -> list[str]:
        return [rule["reason"] for rule in self.node["config"]["meta"].get("quarantine", [])]

    def add(self, values: Mapping[str, Any], version: Version = Version(1, WINDOWS[1])) -> RawRow:
        """A row of a key of its own."""
        number = len(self.rows)
        columns = self.source["columns"].values()
        plain = {each["name"]: _plain(each["name"], each["data_type"]) for each in columns}
        keys = {
            each["name"]: _numbered(number, each["data_type"])
            for each in columns
            if each["name"] in self.raw_key
        }
        row = RawRow(number, {**plain, **keys, **self.cases.get("plain", {}), **values}, version)
        self.rows.append(row)
        return row

    def add_histories(self) -> None:
        broken = [row for rows in self.cases.get("quarantined", {}).values() for row in rows]
        invalid = next((row for row in broken if not set(row) & set(self.raw_key)), None)
        for name, history in HISTORIES.items():
            if invalid is None and not all(version.valid for version in history.versions):
                continue
            rows: list[RawRow] = []
            for version in history.versions:
                key = {column: rows[0].values[column] for column in self.raw_key} if rows else {}
                rows.append(self.add({**({} if version.valid else invalid or {}), **key}, version))
            self.histories[name] = rows

    def inserts(self, window: int) -> Iterator[str]:
        """Statements that bring raw to where it is after a window: rows that are new, marks of deletion."""
        start = WINDOWS[window]
        for row in self.rows:
            version = row.version
            if version.seen == window:
                added = {
                    "_modified_at": version.modified,
                    "_changed_at": start,
                    "_loaded_at": start,
                    "_row_hash": row.number,
                }
                columns = {**row.values, **added}
                yield (
                    f"insert into {self.raw_table} ({', '.join(columns)})"
                    f" values ({', '.join(map(_literal, columns.values()))})"
                )
            if version.deleted == window:
                yield (
                    f"update {self.raw_table} set _deleted_at = {_literal(start)}"
                    f" where _row_hash = {row.number}"
                )

    def key_of(self, row: RawRow) -> tuple[str, ...]:
        return tuple(str(row.values[column]) for column in self.raw_key)

    def row_key_of(self, row: RawRow) -> str:
        values = zip(self.key, self.raw_key, self.key_of(row), strict=True)
        return ", ".join(
            f"{column}={md5(value.encode()).hexdigest()[:12] if raw in self.personal else value}"
            for column, raw, value in values
        )


def _plain(name: str, data_type: str) -> Any:
    values = {"varchar": name, "boolean": True, "timestamp": LATE_EVENING, "date": LATE_EVENING.date()}
    return values.get(data_type, 1)


def _numbered(number: int, data_type: str) -> Any:
    values = {
        "varchar": f"key {number}",
        "timestamp": WINDOWS[1] + timedelta(days=number),
        "date": WINDOWS[1].date() + timedelta(days=number),
    }
    return values.get(data_type, number)


def _literal(value: Any) -> str:
    if value is None:
        return "null"
    return str(value) if isinstance(value, bool | int | float) else f"'{value}'"


@dataclass
class Outcome:
    """All models, and what stood in staging at each stage: by model, its rows by key."""

    models: dict[str, StagingModel]
    staged: dict[str, dict[str, dict[tuple[str, ...], dict[str, Any]]]]
    quarantined: dict[str, dict[tuple[str, str], str]]
    conserved: dict[str, dict[str, int]]


@pytest.fixture(scope="module")
def outcome(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, parsed_project: Path
) -> Outcome:
    """Of the models that were asked for."""
    warehouse = DbtOnRaw(tmp_path_factory.mktemp("staging"), parsed_project)
    manifest = warehouse.project.manifest
    mine = [item for item in request.session.items if item.path == request.path]
    asked = {item.callspec.params["model"] for item in mine if isinstance(item, pytest.Function)}
    models = {name: _model(manifest, name) for name in MODELS if name in asked}
    outcome = Outcome(models, {}, {}, {})
    _build(warehouse, outcome, "nothing", window=1)
    for model in models.values():
        model.add_histories()
        for row in _case_rows(model.cases):
            model.add(row)
    # What comes after the second window is in raw already when the second is run, as in a backfill.
    for stage, windows, window in (("first", [1], 1), ("second", [2, 3], 2)):
        statements = [each for model in models.values() for n in windows for each in model.inserts(n)]
        warehouse.execute(["begin", *statements, "commit"])
        _build(warehouse, outcome, stage, window)
    outcome.conserved["kept"] = _conserved(warehouse, outcome)
    _build(warehouse, outcome, "rebuilt", 2, "--full-refresh")
    warehouse.execute([_delete_one(model) for model in models.values()])
    outcome.conserved["lost"] = _conserved(warehouse, outcome)
    return outcome


def _model(manifest: Mapping[str, Any], name: str) -> StagingModel:
    node = manifest["nodes"][f"model.retail_assets.{name}"]
    ((system, table),) = manifest["nodes"][f"model.retail_assets.{name}_versions"]["sources"]
    return StagingModel(node, manifest["sources"][f"source.retail_assets.{system}.{table}"])


def _case_rows(cases: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from cases.get("accepted", [])
    for rows in cases.get("quarantined", {}).values():
        yield from rows
    for case in cases.get("staged", []):
        yield case["row"]


def _variables(window: int) -> dict[str, str]:
    return {
        "window_start": str(WINDOWS[window]),
        "window_end": str(WINDOWS[window] + timedelta(days=1)),
        "timezone": TIMEZONE,
    }


def _build(warehouse: DbtOnRaw, outcome: Outcome, stage: str, window: int, *arguments: str) -> None:
    models = [f"+{name}" for name in outcome.models]
    run = warehouse.dbt("run", "--select", *models, "+quarantine", *arguments, variables=_variables(window))
    assert run.success, [each.message for each in run.result if each.status == "error"]
    tables = warehouse.tables("staging")
    outcome.staged[stage] = {
        name: {tuple(str(row[column]) for column in model.key): row for row in tables[name]}
        for name, model in outcome.models.items()
    }
    outcome.quarantined[stage] = {
        (row["model_name"], row["row_key"]): row["reason"] for row in tables["quarantine"]
    }


def _conserved(warehouse: DbtOnRaw, outcome: Outcome) -> dict[str, int]:
    """Of each model, the rows that the check of its conservation found."""
    checks = [f"{name},test_name:conserved" for name in outcome.models]
    tests = warehouse.dbt("test", "--select", *checks, variables=_variables(2))
    return {each.node.attached_node.split(".")[-1]: each.failures for each in tests.result}


def _delete_one(model: StagingModel) -> str:
    lost = model.key_of(model.histories["changes"][0])
    condition = " and ".join(
        f"cast({column} as varchar) = '{value}'" for column, value in zip(model.key, lost, strict=True)
    )
    return f"delete from staging.{model.name} where {condition}"


@pytest.fixture(params=MODELS)
def model(request: pytest.FixtureRequest, outcome: Outcome) -> StagingModel:
    return outcome.models[request.param]


def test_nothing_read_is_nothing_staged(model: StagingModel, outcome: Outcome) -> None:
    assert outcome.staged["nothing"][model.name] == {}
    assert outcome.quarantined["nothing"] == {}


def test_the_newest_valid_version_stands(model: StagingModel, outcome: Outcome) -> None:
    """By the row's own time, then by when it was read; never an older one in place of one in quarantine."""
    for name, rows in model.histories.items():
        staged = outcome.staged["second"][model.name].get(model.key_of(rows[0]))
        expected = HISTORIES[name].staged
        if name == "comes after the window" and model.compares_all:
            expected = 0
        if expected is None:
            assert staged is None, name
            continue
        assert staged is not None, name
        assert staged["modified_at"] == rows[expected].version.modified, name
        if not model.compares_all:
            assert staged["_changed_at"] == WINDOWS[rows[expected].version.seen], name


def test_a_run_leaves_alone_what_its_window_did_not_touch(model: StagingModel, outcome: Outcome) -> None:
    """Rows that become invalid or are deleted are gone after the second window, and not before it."""
    for name in ("is deleted", "becomes invalid"):
        if name in model.histories:
            key = model.key_of(model.histories[name][0])
            assert key in outcome.staged["first"][model.name], name
            assert key not in outcome.staged["second"][model.name], name


def test_quarantine_follows_the_newest_version(model: StagingModel, outcome: Outcome) -> None:
    def held(name: str, stage: str) -> bool:
        row_key = model.row_key_of(model.histories[name][0])
        return (model.name, row_key) in outcome.quarantined[stage]

    if model.rules:
        assert [held("becomes invalid", stage) for stage in ("first", "second")] == [False, True]
        assert [held("becomes valid", stage) for stage in ("first", "second")] == [True, False]
    in_the_end = {name for name in model.histories if held(name, "second")}
    assert in_the_end == ({"becomes invalid", "is invalid and has no time"} if model.rules else set())


def test_a_rebuild_gives_the_same(model: StagingModel, outcome: Outcome) -> None:
    """What came after the window is in a rebuild, which reads all of raw."""
    ignored = {"_changed_at"} if model.compares_all else set()
    later = model.key_of(model.histories["comes after the window"][0])

    def rows(stage: str) -> dict[tuple[str, ...], dict[str, Any]]:
        return {
            key: {name: value for name, value in row.items() if name not in ignored}
            for key, row in outcome.staged[stage][model.name].items()
            if key != later
        }

    assert rows("second") == rows("rebuilt")
    assert later in outcome.staged["rebuilt"][model.name]
    assert outcome.quarantined["second"] == outcome.quarantined["rebuilt"]


def test_conservation_is_checked(model: StagingModel, outcome: Outcome) -> None:
    """The check finds nothing, and the one row that was taken out of the model afterwards."""
    assert outcome.conserved["kept"][model.name] == 0
    assert outcome.conserved["lost"][model.name] == 1


def test_columns_keep_their_values(model: StagingModel, outcome: Outcome) -> None:
    """A column that is called as in raw has raw's value; `x_date` is the retailer's day of `x_at`."""
    raw = model.histories["stays"][0]
    staged = outcome.staged["second"][model.name][model.key_of(raw)]
    comparable = set(raw.values) - {"modified_at"}
    for name, value in staged.items():
        if name in comparable and type(value) is type(raw.values[name]):
            assert value == raw.values[name], name
        moment = staged.get(name.removesuffix("_date") + "_at")
        if name.endswith("_date") and moment is not None:
            assert value == _day(moment), name


def _day(moment: datetime) -> date:
    return moment.replace(tzinfo=ZoneInfo("UTC")).astimezone(ZoneInfo(TIMEZONE)).date()


def test_rules_hold_back_what_they_name_and_no_more(model: StagingModel, outcome: Outcome) -> None:
    cases = model.cases
    found = iter(model.rows[sum(map(len, model.histories.values())) :])
    for accepted in cases.get("accepted", []):
        assert model.key_of(next(found)) in outcome.staged["second"][model.name], accepted
    for reason, rows in cases.get("quarantined", {}).items():
        for broken in rows:
            row = next(found)
            assert outcome.quarantined["second"][model.name, model.row_key_of(row)] == reason, broken
            assert model.key_of(row) not in outcome.staged["second"][model.name], broken
    for case in cases.get("staged", []):
        staged = outcome.staged["second"][model.name][model.key_of(next(found))]
        for name, value in case["becomes"].items():
            assert staged[name] == value or str(staged[name]) == value, (case, name, staged[name])


def test_every_rule_has_a_case(model: StagingModel) -> None:
    assert set(model.rules) == set(model.cases.get("quarantined", {}))


def test_personal_data_stays_marked(model: StagingModel) -> None:
    """What is personal in raw is so in staging, under the same name or as a normalised address."""
    personal = {name for name, column in model.source["columns"].items() if _is_personal(column)} | {"email"}
    for name, column in model.node["columns"].items():
        if name in personal:
            assert _is_personal(column), name


def _is_personal(column: Mapping[str, Any]) -> bool:
    return bool(column["config"].get("meta", {}).get("pii"))
