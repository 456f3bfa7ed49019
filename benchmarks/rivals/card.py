"""What each rival shows of an account: the texts of our card, in the simplest code."""

from datetime import UTC, datetime
from typing import Any

COMMAND = "minimax-account"
DESCRIPTION = "Show a MiniMax account: user, capabilities, expiry"
_CELLS = 10
_NOTHING = "not reported"

# Name, value, whether it stands beside others.
Field = tuple[str, str, bool]


def account_path(account: str) -> str:
    """Return where the API has an account."""
    return f"/v1/minimax/accounts/{account}"


def title_of(account: dict[str, Any]) -> str:
    """Return the card's title."""
    return str(account["jwt"]["user"]["name"])


def state_of(account: dict[str, Any]) -> str:
    """Return the card's description: when the login expires, and how much of its life is left."""
    jwt = account["jwt"]
    if not jwt.get("exp"):
        return "⚪ **No expiry date reported**"
    left = jwt["exp"] - datetime.now(UTC).timestamp()
    share = max(0.0, left / (jwt["exp"] - jwt["iat"]))
    filled = round(share * _CELLS)
    bar = f"{'▰' * filled}{'▱' * (_CELLS - filled)} {share:.0%} left"
    return f"🟢 **Expires <t:{jwt['exp']:.0f}:R>** · <t:{jwt['exp']:.0f}:f>\n{bar}"


def _capabilities(account: dict[str, Any]) -> str:
    flags = {name.removeprefix("support"): value for name, value in account.items() if name.startswith("support")}
    return " · ".join(f"{'✅' if value else '❌'} {name}" for name, value in flags.items()) or _NOTHING


def fields_of(account: dict[str, Any]) -> list[Field]:
    """Return the card's fields."""
    jwt = account["jwt"]
    return [
        ("Can do", _capabilities(account), False),
        ("Account ID", f"`{account['account']}`", True),
        ("Max jobs", str(account.get("maxJobs", _NOTHING)), True),
        ("Issued", f"<t:{jwt['iat']:.0f}:d>" if jwt.get("iat") else _NOTHING, True),
        ("Reminders", "🔕 None yet.", False),
    ]


def footer_of(account: dict[str, Any]) -> str:
    """Return the card's footer."""
    jwt = account["jwt"]
    return f"{jwt.get('host', _NOTHING)} · token {jwt['token'][:3]}•••{jwt['token'][-3:]} · Checked"
