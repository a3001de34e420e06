"""What the documents have from the code: the table of settings, the business questions, and the metrics."""

from pathlib import Path

import yaml

from retail_assets.catalog.project import PROJECT_DIR
from retail_assets.demo.questions import QUESTIONS
from retail_assets.settings import PREFIX, Settings

README = Path(__file__).resolve().parents[2] / "README.md"
METRICS = README.parent / "docs" / "metrics.md"


def settings_rows() -> str:
    """One Markdown row per setting."""
    rows = []
    for name, field in Settings.model_fields.items():
        default = getattr(field.default, "get_secret_value", lambda value=field.default: value)()
        shown = f"`{default}`" if default not in ("", None) else ""
        rows.append(f"| `{PREFIX}{name.upper()}` | {shown} | {field.description} |\n")
    return "".join(rows)


def metric_rows() -> str:
    """One Markdown row per metric."""
    rows = []
    for path in sorted((PROJECT_DIR / "models" / "metrics").glob("*.yml")):
        for metric in yaml.safe_load(path.read_text(encoding="utf-8")).get("metrics", []):
            rows.append(f"| `{metric['name']}` | {metric['label']} | {metric['description']} |\n")
    return "".join(sorted(rows))


def up_to_date(readme: str) -> str:
    """The README with these parts generated again."""
    readme = _replaced(readme, "settings", settings_rows())
    return _replaced(readme, "questions", QUESTIONS.read_text(encoding="utf-8"))


def metrics_up_to_date(document: str) -> str:
    """The document of the metrics with their table generated again."""
    return _replaced(document, "metrics", metric_rows())


def _replaced(readme: str, part: str, text: str) -> str:
    begin, end = f"<!-- {part} -->\n", f"<!-- /{part} -->"
    head, rest = readme.split(begin, 1)
    return f"{head}{begin}{text}{end}{rest.split(end, 1)[1]}"


if __name__ == "__main__":
    README.write_text(up_to_date(README.read_text(encoding="utf-8")), encoding="utf-8")
    METRICS.write_text(metrics_up_to_date(METRICS.read_text(encoding="utf-8")), encoding="utf-8")
