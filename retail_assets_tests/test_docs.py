"""What the documentation says of the marts: its SQL is run as it stands there, its columns are the marts'."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from retail_assets.catalog.presence import presence, table_of
from retail_assets.catalog.project import PROJECT_DIR
from retail_assets.cli.app import app
from retail_assets.demo.questions import questions
from retail_assets.deployment.readme import README
from retail_assets.settings import SYSTEMS
from retail_assets_tests.conftest import Deployment

PAGES = README.parent / "docs" / "marts"
QUESTIONS = README.parent / "docs" / "questions.md"
MARTS = [
    pytest.param(path, id=path.stem)
    for folder in ("analyst", "marketing", "sales")
    for path in sorted((PROJECT_DIR / "models" / "marts" / folder).glob("*.sql"))
]


def _blocks(page: Path) -> list[str]:
    """The page's SQL, block by block."""
    return re.findall(r"^```sql\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def _shown() -> list[Any]:
    """All SQL of the README, of the marts' pages and of the questions, as pytest takes it."""
    return [
        pytest.param(page, sql, id=f"{page.stem}-{number}")
        for page in [README, QUESTIONS, *sorted(PAGES.glob("*.md"))]
        for number, sql in enumerate(_blocks(page), start=1)
    ]


@pytest.mark.parametrize(("page", "sql"), _shown())
def test_sql_has_an_answer(built: Deployment, page: Path, sql: str):
    rows = built.query(sql)
    # The README asks the ERP alone. The marts of a system that is not taken are empty.
    assert rows or (page != README and set(built.settings.systems) != set(SYSTEMS))


def test_demo_asks_the_questions_of_the_readme():
    assert [question.sql for question in questions()] == [sql.strip() for sql in _blocks(README)]


def test_each_question_says_which_systems_can_answer_it(deploy):
    """With any one of them the marts are there that it asks."""
    manifest = deploy().manifest
    tables = {table_of(manifest, each): each for each in manifest["nodes"] if each.startswith("model.")}
    found = re.findall(r"^### .+?\nNeeds (.+?)\.\n.*?```sql\n(.*?)```", README.read_text(), re.M | re.DOTALL)
    assert len(found) == len(questions())
    for needs, sql in found:
        asked = {tables[each] for each in re.findall(r"mart_\w+\.\w+", sql)}
        systems = re.findall(r"`(\w+)`", needs)
        assert asked
        assert systems
        for system in systems:
            assert not asked & presence(manifest, [system]).absent, (sql, system)


def test_each_question_has_an_answer():
    """A chart that is on its page, a query, or a command that there is."""
    titles = {
        content["title"]: {
            each["title"] for each in [*content["charts"], *content.get("figures", {}).get("show", [])]
        }
        for content in (
            yaml.safe_load(path.read_text()) for path in (PROJECT_DIR / "dashboards").glob("*.yml")
        )
    }
    asked = re.split(r"^### ", QUESTIONS.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    assert len(asked) == 10 + 12 + 6
    commands = {*get_command(app).commands}  # type: ignore[attr-defined]
    for each in asked:
        # **Page** → *chart*, *chart*
        charts = [
            (page, " ".join(chart.split()))
            for page, listed in re.findall(r"\*\*([^*]+)\*\*\s→((?:[\s,]+\*[^*]+\*)+)", each)
            for chart in re.findall(r"\*([^*]+)\*", listed)
        ]
        assert [(page, chart) for page, chart in charts if chart not in titles.get(page, ())] == []
        named = re.findall(r"^retail-assets ([\w-]+)", each, re.MULTILINE)
        assert {*named} <= commands
        assert charts or named or "```sql" in each, each


@pytest.mark.parametrize("mart", MARTS)
def test_each_mart_has_a_page(mart: Path):
    page = PAGES / f"{mart.stem}.md"
    assert len(_blocks(page)) == 3
    table = {name for line in _rows(page) for name in re.findall(r"`(\w+)`", line.split("|")[1])}
    described = yaml.safe_load(mart.with_suffix(".yml").read_text())["models"][0]["columns"]
    assert {column["name"] for column in described} - table == set()


def test_each_mart_is_under_a_question(built: Deployment):
    """And nothing is there that is none."""
    said = {
        name
        for line in (README.parent / "docs" / "marts.md").read_text(encoding="utf-8").splitlines()
        if line.startswith("| ") and "mart_" in line
        for name in re.findall(r"`(?:mart_\w+\.)?(\w+)`", line.split("|")[2])
    }
    marts = built.query(
        "select table_name from information_schema.tables where table_schema like 'mart\\_%' escape '\\'"
    )
    assert said == {name for (name,) in marts}


def _rows(page: Path) -> list[str]:
    return [line for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
