"""When the dbt project is parsed again: whenever a file of it came, changed or went."""

import os

import pytest

from retail_assets.catalog import project
from retail_assets.catalog.project import Project
from retail_assets.settings import Settings


@pytest.fixture
def model(tmp_path, monkeypatch):
    """A model in a folder within a folder, of a project that was last written a minute ago."""
    path = tmp_path / "project" / "models" / "marts" / "sales" / "a.sql"
    path.parent.mkdir(parents=True)
    path.touch()
    (tmp_path / "project" / "macros").mkdir()
    for each in (tmp_path / "project").rglob("*"):
        before = each.stat().st_mtime - 60
        os.utime(each, (before, before))
    monkeypatch.setattr(project, "PROJECT_DIR", tmp_path / "project")
    return path


@pytest.mark.parametrize(
    ("change", "times"),
    [
        (lambda model: None, 1),
        (lambda model: model.write_text("select 1"), 2),
        (lambda model: model.unlink(), 2),
        (lambda model: model.rename(model.with_name("b.sql")), 2),
        (lambda model: model.parent.rename(model.parent.with_name("other")), 2),
    ],
    ids=["nothing", "changed", "removed", "renamed", "folder renamed"],
)
def test_parsed_again_when_it_has_changed(model, change, times, tmp_path, monkeypatch):
    parsed = []

    def parse(self):
        parsed.append(self)
        (self.target_path / "parsed").touch()

    monkeypatch.setattr(Project, "_parse", parse)
    found = Project(Settings(home=tmp_path / "home"))
    found.prepare()
    change(model)
    found.prepare()
    assert len(parsed) == times
