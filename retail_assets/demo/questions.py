"""The business questions that the README answers: its queries, run as they stand there."""

import re
from dataclasses import dataclass
from pathlib import Path

README = Path(__file__).resolve().parents[2] / "README.md"


@dataclass(frozen=True)
class Question:
    """A question and the query that answers it."""

    title: str
    sql: str


def questions() -> list[Question]:
    """The section "Business questions" of the README: each heading and the SQL below it."""
    text = README.read_text(encoding="utf-8")
    section = text.split("\n## Business questions\n", 1)[1].split("\n## ", 1)[0]
    found = re.findall(r"^### (.+?)\n.*?```sql\n(.*?)```", section, re.MULTILINE | re.DOTALL)
    return [Question(title, sql.strip()) for title, sql in found]
