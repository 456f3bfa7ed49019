"""What each rival shows of an account: the title and fields of our card, in the simplest code."""

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


def _expiry(jwt: dict[str, Any]) -> str:
    if not jwt.get("exp"):
        return _NOTHING
    left = jwt["exp"] - datetime.now(UTC).timestamp()
    share = max(0.0, left / (jwt["exp"] - jwt["iat"]))
    filled = round(share * _CELLS)
    return f"<t:{jwt['exp']:.0f}:f> (<t:{jwt['exp']:.0f}:R>)\n{'▰' * filled}{'▱' * (_CELLS - filled)} {share:.0%}"


def _capabilities(account: dict[str, Any]) -> str:
    flags = {name.removeprefix("support"): value for name, value in account.items() if name.startswith("support")}
    return " · ".join(f"{'✅' if value else '❌'} {name}" for name, value in flags.items()) or _NOTHING


def title_of(account: dict[str, Any]) -> str:
    """Return the card's title."""
    return str(account["jwt"]["user"]["name"])


def fields_of(account: dict[str, Any]) -> list[Field]:
    """Return the card's fields."""
    jwt = account["jwt"]
    return [
        ("Expires", _expiry(jwt), False),
        ("Capabilities", _capabilities(account), False),
        ("Account", f"`{account['account']}`", True),
        ("Anonymous", "yes" if jwt["user"].get("isAnonymous") else "no", True),
        ("Max jobs", str(account.get("maxJobs", _NOTHING)), True),
        ("Issued", f"<t:{jwt['iat']:.0f}:d>" if jwt.get("iat") else _NOTHING, True),
        ("Host", str(jwt.get("host", _NOTHING)), True),
        ("Token", f"`{jwt['token'][:3]}•••{jwt['token'][-3:]}`", True),
    ]
