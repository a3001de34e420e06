"""The README's table of settings, written from the settings themselves."""

from pathlib import Path

from retail_assets.settings import PREFIX, Settings

README = Path(__file__).resolve().parents[2] / "README.md"
BEGIN, END = "<!-- settings -->\n", "<!-- /settings -->"


def settings_rows() -> str:
    """One Markdown row per setting."""
    rows = []
    for name, field in Settings.model_fields.items():
        default = getattr(field.default, "get_secret_value", lambda value=field.default: value)()
        shown = f"`{default}`" if default not in ("", None) else ""
        rows.append(f"| `{PREFIX}{name.upper()}` | {shown} | {field.description} |\n")
    return "".join(rows)


def with_settings(readme: str) -> str:
    """The README with its table of settings made anew."""
    head, rest = readme.split(BEGIN, 1)
    return f"{head}{BEGIN}{settings_rows()}{END}{rest.split(END, 1)[1]}"


if __name__ == "__main__":
    README.write_text(with_settings(README.read_text(encoding="utf-8")), encoding="utf-8")
