"""Which manifest is run: the one that was parsed from what the project's files hold."""

import os
import shutil

import pytest

from retail_assets.catalog import project
from retail_assets.catalog.project import Project
from retail_assets.settings import Settings
from retail_assets_tests.faults import Area, fault


@pytest.fixture
def model(tmp_path, monkeypatch):
    """A model in a folder within a folder, of a project without anything else."""
    path = tmp_path / "project" / "models" / "marts" / "sales" / "a.sql"
    path.parent.mkdir(parents=True)
    path.write_text("select 0")
    (tmp_path / "project" / "macros").mkdir()
    monkeypatch.setattr(project, "PROJECT_DIR", tmp_path / "project")
    return path


@pytest.fixture
def parsed(monkeypatch):
    """The projects that were parsed, without what that costs."""
    found = []

    def parse(self):
        found.append(self)
        self.target_path.mkdir()

    monkeypatch.setattr(Project, "_parse", parse)
    return found


def _as_old_as_before(model):
    """Other contents of the same size, with the times of the former ones: as in an image."""
    status = model.stat()
    model.write_text("select 1")
    os.utime(model, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.mark.parametrize(
    ("change", "times"),
    [
        (lambda model: None, 1),
        (lambda model: os.utime(model), 1),
        (lambda model: model.write_text("select 1"), 2),
        (_as_old_as_before, 2),
        (lambda model: model.unlink(), 2),
        (lambda model: model.rename(model.with_name("b.sql")), 2),
        (lambda model: model.parent.rename(model.parent.with_name("other")), 2),
    ],
    ids=["nothing", "time", "changed", "changed within a tick", "removed", "renamed", "folder renamed"],
)
def test_parsed_again_when_its_contents_change(model, change, times, tmp_path, parsed):
    settings = Settings(home=tmp_path / "home")
    Project(settings).prepare()
    change(model)
    Project(settings).prepare()
    assert len(parsed) == times


def test_a_process_runs_the_manifest_that_its_definitions_were_made_of(model, tmp_path, parsed):
    loaded = Project(Settings(home=tmp_path / "home"))
    loaded.prepare()
    before = loaded.target_path
    model.write_text("select 1")
    loaded.prepare()
    assert loaded.target_path == before
    assert len(parsed) == 1


def test_two_checkouts_on_one_home_keep_their_manifests(model, tmp_path, parsed, monkeypatch):
    settings = Settings(home=tmp_path / "home")
    shutil.copytree(tmp_path / "project", tmp_path / "other")
    paths = set()
    for _ in range(3):
        for checkout in ("project", "other"):
            monkeypatch.setattr(project, "PROJECT_DIR", tmp_path / checkout)
            found = Project(settings)
            found.prepare()
            paths.add(found.target_path)
    assert len(parsed) == len(paths) == 2


def test_manifests_that_nobody_uses_are_removed_and_others_stay(model, tmp_path, parsed):
    settings = Settings(home=tmp_path / "home")
    days = {"unused": 40, "used": 20}
    paths = {}
    for name, age in days.items():
        model.write_text(name)
        found = Project(settings)
        found.prepare()
        paths[name] = found.target_path
        long_ago = found.target_path.stat().st_mtime - age * 24 * 60 * 60
        os.utime(found.target_path, (long_ago, long_ago))
    model.write_text("newest")
    Project(settings).prepare()
    assert not paths["unused"].exists()
    assert paths["used"].exists()


@fault(
    Area.BUILDING,
    "dbt is killed while it parses",
    "Nothing half-parsed is used; the next start parses again.",
)
def test_a_killed_parse_leaves_nothing_that_is_used(tmp_path, monkeypatch):
    from dbt.cli.main import dbtRunner

    settings = Settings(home=tmp_path)

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(dbtRunner, "invoke", killed)
        with pytest.raises(KeyboardInterrupt):
            Project(settings).prepare()
    assert not Project(settings).target_path.exists()
    assert Project(settings).manifest["nodes"]
    assert Project(settings).load().nodes
