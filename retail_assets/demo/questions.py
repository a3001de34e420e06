"""The business questions with the queries that answer them: the demo runs them, the README shows them."""

import re
from dataclasses import dataclass
from pathlib import Path

QUESTIONS = Path(__file__).with_name("questions.md")


@dataclass(frozen=True)
class Question:
    """A question and the query that answers it."""

    title: str
    sql: str


def questions() -> list[Question]:
    """All questions, in their order: each heading and the SQL below it."""
    text = QUESTIONS.read_text(encoding="utf-8")
    found = re.findall(r"^### (.+?)\n.*?```sql\n(.*?)```", text, re.MULTILINE | re.DOTALL)
    return [Question(title, sql.strip()) for title, sql in found]
