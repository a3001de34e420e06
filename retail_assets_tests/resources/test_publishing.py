"""Readers' copies of a DuckDB file: whole, equal, and at the cost of what changed."""

import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retail_assets.resources import publishing, storage
from retail_assets.resources.publishing import checksums_of, publish, update
from retail_assets_tests.faults import Area, fault

BLOCK_SIZE = 262_144
ROWS = 300_000

CHANGES = {
    "append": "insert into lines select range, hash(range) from range(3000)",
    "delete": "delete from lines where id % 7919 = 3",
    "update": "update lines set value = value + 1 where id % 99991 = 5",
    "replace": "create or replace table other as select random() as value from range(100000)",
    "drop": "drop table if exists other",
    "rewrite": f"create or replace table lines as select id, hash(id) as value from range({ROWS}) as t (id)",
}


def _change(path: Path, *statements: str) -> None:
    if not path.exists():
        storage.create(path)
    with duckdb.connect(path) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.execute("checkpoint")


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / "retail.duckdb"
    _change(path, CHANGES["rewrite"])
    return path


@pytest.fixture
def published(tmp_path: Path) -> Path:
    return tmp_path / "published" / "retail.duckdb"


@contextmanager
def _reader(path: Path):
    """A process that has a copy open."""
    code = "import duckdb, sys; c = duckdb.connect(sys.argv[1], read_only=True); print(flush=True); input();"
    code += "print(c.sql('select sum(hash(id)) from lines').fetchall()[0][0])"
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin
    assert process.stdout
    process.stdout.readline()
    yield lambda: process.communicate("\n")[0].strip()
    process.wait()


def _sum(path: Path) -> str:
    with duckdb.connect(path, read_only=True) as connection:
        return str(connection.sql("select sum(hash(id)) from lines").fetchall()[0][0])


@settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(nights=st.lists(st.lists(st.sampled_from(sorted(CHANGES)), max_size=2), min_size=3, max_size=4))
def test_every_copy_equals_the_database_byte_for_byte(written, published, nights):
    for night in nights:
        _change(written, *(CHANGES[change] for change in night))
        publish(written, published)
        assert published.read_bytes() == written.read_bytes()


def test_a_copy_costs_what_changed(written, tmp_path):
    copy = tmp_path / "copy.duckdb"
    copy.write_bytes(written.read_bytes())
    former = checksums_of(copy, BLOCK_SIZE)
    _change(written, CHANGES["append"])
    checksums = checksums_of(written, BLOCK_SIZE)
    copied = update(copy, written, BLOCK_SIZE, former, checksums)
    assert 0 < copied <= 5 < written.stat().st_size // BLOCK_SIZE
    assert checksums_of(copy, BLOCK_SIZE) == checksums
    assert update(copy, written, BLOCK_SIZE, checksums, checksums) == 0


def test_of_copies_nothing_is_read_from_the_third_on(written, published, monkeypatch):
    read = []

    def reading(path: Path, block_size: int) -> bytes:
        read.append(path)
        return checksums_of(path, block_size)

    monkeypatch.setattr(publishing, "checksums_of", reading)
    for _ in range(5):
        _change(written, CHANGES["append"])
        publish(written, published)
    assert read == [written] * 5


def test_a_copy_is_on_the_disk_before_it_is_noted(written, published, monkeypatch):
    stored, noted = [], []
    monkeypatch.setattr(os, "fsync", lambda descriptor: stored.append(os.fstat(descriptor).st_ino))
    monkeypatch.setattr(publishing, "_write_notes", lambda *_: noted.append(stored[-1]))
    for _ in range(3):
        _change(written, CHANGES["append"])
        publish(written, published)
        assert noted[-1] == published.stat().st_ino
    assert len(stored) == len(noted) == 3


@fault(
    Area.PUBLISHING,
    "What is noted of a copy is lost or wrong",
    "The copy is read instead, and is equal byte for byte.",
)
@pytest.mark.parametrize("notes", [None, '{"1-2', "[]"])
def test_what_is_noted_of_a_copy_is_not_needed(written, published, notes):
    for _ in range(4):
        _change(written, CHANGES["append"], CHANGES["update"])
        publish(written, published)
        assert published.read_bytes() == written.read_bytes()
        noted = published.with_suffix(".checksums")
        if notes:
            noted.write_text(notes)
        else:
            noted.unlink()


@fault(Area.PUBLISHING, "Somebody writes into a published copy", "The next publishing mends it.")
def test_what_is_noted_of_a_copy_holds_until_somebody_writes_it(written, published):
    for _ in range(2):
        _change(written, CHANGES["append"])
        publish(written, published)
    _change(published.with_suffix(".spare"), CHANGES["delete"], CHANGES["update"])
    publish(written, published)
    assert published.read_bytes() == written.read_bytes()


def test_the_copies_take_turns(written, published):
    inodes = []
    for _ in range(4):
        _change(written, CHANGES["append"])
        publish(written, published)
        inodes.append(published.stat().st_ino)
    assert inodes[2:] == inodes[:2]


def test_a_reader_keeps_what_it_opened(written, published):
    publish(written, published)
    opened = published.with_name("opened")
    os.link(published, opened)
    before = published.read_bytes()
    with _reader(published) as result:
        expected = _sum(published)
        for _ in range(3):
            _change(written, CHANGES["append"], CHANGES["delete"])
            publish(written, published)
        assert published.read_bytes() == written.read_bytes()
        assert opened.read_bytes() == before
        assert not opened.samefile(published.with_suffix(".spare"))
        assert result() == expected != _sum(published)


@fault(
    Area.PUBLISHING,
    "A run is killed while it copies for readers, and after it has linked a copy",
    "The next run publishes a whole copy.",
)
def test_a_killed_run_leaves_nothing_that_the_next_one_builds_on(written, published):
    publish(written, published)
    # Killed while it copied; and after it had linked the copy that readers open as the spare one.
    published.with_suffix(".unfinished").write_bytes(b"half")
    os.link(published, published.with_suffix(".spare"))
    before, opened = written.read_bytes(), published.stat().st_ino
    _change(written, CHANGES["append"])
    publish(written, published)
    assert published.read_bytes() == written.read_bytes()
    assert published.stat().st_ino != opened
    assert published.with_suffix(".spare").read_bytes() == before
    names = sorted(path.name for path in published.parent.iterdir())
    assert names == ["retail.checksums", "retail.duckdb", "retail.spare"]


def _storage_version(header: bytearray) -> None:
    header[12] += 1


def _magic_bytes(header: bytearray) -> None:
    header[8:12] = b"DUCT"


def _encryption(header: bytearray) -> None:
    header[20] = 1


def _block_size(header: bytearray) -> None:
    header[4096 + 40 : 4096 + 48] = (131_072).to_bytes(8, "little")


def _no_block_size(header: bytearray) -> None:
    for page in (4096, 8192):
        header[page + 40 : page + 48] = bytes(8)


@fault(Area.PUBLISHING, "The warehouse's file is laid out otherwise than expected", "It is copied whole.")
@pytest.mark.parametrize("mutate", [_storage_version, _magic_bytes, _encryption, _block_size, _no_block_size])
def test_a_file_of_another_layout_is_copied_whole(written, published, monkeypatch, mutate):
    for _ in range(3):
        _change(written, CHANGES["append"])
        publish(written, published)
    header = bytearray(written.read_bytes()[: storage.HEADERS])
    mutate(header)
    with written.open("r+b") as file:
        file.write(header)

    def trusted(*_: object) -> None:
        raise AssertionError("The layout was trusted.")

    monkeypatch.setattr(publishing, "update", trusted)
    monkeypatch.setattr(publishing, "checksums_of", trusted)
    for _ in range(3):
        publish(written, published)
        assert published.read_bytes() == written.read_bytes()


def test_a_copy_of_another_layout_is_not_brought_up_to_date(written, published):
    """As in a home whose warehouse has just been rewritten in another storage version."""
    newest = written.with_name("newest.duckdb")
    with duckdb.connect(newest) as connection:
        connection.execute(CHANGES["rewrite"])
    assert storage.block_size_of(newest) is None
    publish(newest, published)
    publish(newest, published)
    for _ in range(3):
        publish(written, published)
        assert published.read_bytes() == written.read_bytes()
