"""The texts about the settings, made from their fields: for `--help`, `docs/settings.md` and `.env.example`."""

from textwrap import fill

from pydantic.fields import FieldInfo

from bot.cli.command import lay_out
from bot.config import LogSettings, Settings, StoreSettings, UseapiSettings, text_of

_WIDTH = 120
_COLUMN = 26


def settings_help(width: int) -> list[str]:
    """Return the settings for `--help`, with the description and default of each, in lines of this width."""
    texts = {}
    for field in _fields():
        default = f"required by {_commands_of(field)}" if field.is_required() else f"default: {_spell(field.default)}"
        texts[str(field.alias)] = f"{field.description} ({default})"
    return lay_out(texts, column=_COLUMN, width=width)


def settings_table() -> str:
    """Return the settings as a Markdown table, for `docs/settings.md`."""
    lines = ["| Setting | Default | Meaning |", "|---|---|---|"]
    for field in _fields():
        default = "required" if field.is_required() else f"`{_spell(field.default)}`"
        lines.append(f"| `{field.alias}` | {default} | {_explain(field)} |")
    return "\n".join(lines)


def settings_example() -> str:
    """Return the content of `.env.example`: required settings to fill in, the others commented out."""
    paragraphs = ["# Copy to .env, fill in, keep private (chmod 600 .env). The environment outranks this file."]
    for field in _fields():
        comment = fill(_explain(field), _WIDTH, initial_indent="# ", subsequent_indent="# ")
        line = f"{field.alias}=" if field.is_required() else f"# {field.alias}={_spell(field.default, off='')}"
        paragraphs.append(f"{comment}\n{line}")
    return "\n\n".join(paragraphs) + "\n"


def _fields() -> list[FieldInfo]:
    """Return all settings, required ones first, then in order of the number of commands that read them."""
    kinds = (Settings, UseapiSettings, StoreSettings, LogSettings)

    def order(item: tuple[str, FieldInfo]) -> tuple[bool, int]:
        name, field = item
        return not field.is_required(), sum(name in kind.model_fields for kind in kinds)

    return [field for _, field in sorted(Settings.model_fields.items(), key=order)]


def _commands_of(field: FieldInfo) -> str:
    """Return the commands that read a required setting."""
    aliases = {one.alias for one in UseapiSettings.model_fields.values()}
    return "run, check, account and accounts" if field.alias in aliases else "run and check"


def _explain(field: FieldInfo) -> str:
    return f"{field.description}. {text_of(field, 'more')}".rstrip()


def _spell(default: object, *, off: str = "none") -> str:
    """Return a default as an operator types it."""
    if default is None:
        return off
    return ",".join(map(str, default)) if isinstance(default, tuple) else str(default)
