"""Builds account objects as useapi.net's MiniMax API gives them."""

from datetime import UTC, datetime, timedelta
from typing import Any

# The first moment of every simulated clock.
START = datetime(2026, 1, 1, tzinfo=UTC)
LOGIN_LIFE = timedelta(days=30)

# The secrets of every account; the last two are dropped while parsing.
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJ1c2VyIjoiSmFuZSJ9.c2lnbmF0dXJlb2ZqYW5l"
DEVICE_ID = "dev1ce-1d"
SEARCH_PARAMS = "uuid=f1ngerpr1nt"


def build_account(
    account_id: str = "123456",
    name: str | None = "Jane Doe",
    *,
    days: float | None = 12,
    now: datetime = START,
    **fields: Any,
) -> dict[str, Any]:
    """Return an account object.

    Args:
        account_id: the account's id, which its user has as well.
        name: the user's name, None to leave it out.
        days: how long after `now` the login expires, 30 days after it was issued; None to leave both dates out.
        now: the current time.
        fields: further fields of the account, or other values of the usual ones.
    """
    user = {"deviceID": DEVICE_ID, "id": account_id, "isAnonymous": False} | ({} if name is None else {"name": name})
    jwt: dict[str, Any] = {"token": JWT, "user": user, "host": "hailuoai.video", "searchParams": SEARCH_PARAMS}
    account = {"account": account_id, "jwt": jwt, "maxJobs": 2, "supportVideo": True, **fields}
    if days is not None:
        set_expiry(account, now + timedelta(days=days))
    return account


def set_expiry(account: dict[str, Any], expires_at: datetime) -> None:
    """Give an account object a login that expires then."""
    account["jwt"] |= {"exp": expires_at.timestamp(), "iat": (expires_at - LOGIN_LIFE).timestamp()}


def by_id(*accounts: dict[str, Any]) -> dict[str, Any]:
    """Return the list of these accounts as the API gives it."""
    return {account["account"]: account for account in accounts}
