"""The demo's accounts: one for each status, in the shapes of the API's documents; their jobs and credits."""

import base64
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from io import BytesIO
from typing import Any

from PIL import Image, ImageDraw

from bot.useapi.fake import FakeApi, build_job

FIRST_SHOWN = "104212880"
# What the server has noted on that account.
NOTE = "amara.video@gmail.com, Mia's phone"
STRAY = "161740025"
LOW_ON_CREDITS, FAILING = "104377015", "156017730"
CREDITS_BELOW = 100
LIFE = timedelta(days=30)
_RENEWED_AFTER = timedelta(days=2)
_REFUSED_EXPIRES_AFTER = timedelta(days=24)
_AVATARS = "https://cdn.hailuoai.video/avatars"
_COLOURS = {
    "amara": "#7048e8",
    "jonas": "#1c7ed6",
    "priya": "#d6336c",
    "mateo": "#f08c00",
    "lina": "#0ca678",
    "omar": "#495057",
}


def _fake_jwt(account_id: str) -> str:
    claims = json.dumps({"user": {"id": account_id}, "exp": 0}).encode()
    return f"eyJhbGciOiJIUzI1NiJ9.{base64.urlsafe_b64encode(claims).decode().rstrip('=')}.c2lnbmF0dXJl{account_id}"


def _entry(account_id: str, name: str, *, expires: datetime | None, **top: Any) -> dict[str, Any]:
    """Return an account object as the API gives it, with the avatar of the first name, if there is one."""
    first_name = name.lower().partition(" ")[0]
    avatar = f"{_AVATARS}/{first_name}.png" if first_name in _COLOURS else ""
    jwt: dict[str, Any] = {
        "token": _fake_jwt(account_id),
        "user": {"deviceID": "90210", "id": account_id, "isAnonymous": False, "name": name, "avatar": avatar},
        "host": "hailuoai.video",
        "searchParams": "device_platform=web&app_id=3001&uuid=0f0e0d0c",
    }
    if expires is not None:
        issued = expires - LIFE
        jwt |= {"exp": expires.timestamp(), "iat": issued.timestamp()}
        jwt |= {"iat_Issued": issued.isoformat(), "exp_Expire": expires.isoformat()}
    return {"account": account_id, "jwt": jwt, "maxJobs": 3, **top}


def _renewed(expires: datetime, now: datetime) -> datetime:
    """Return the expiry, at that time, of a login that is renewed two days after each expiry."""
    while now >= expires + _RENEWED_AFTER:
        expires += _RENEWED_AFTER + LIFE
    return expires


def build_accounts(today: datetime, now: datetime) -> dict[str, Any]:
    """Return the list of accounts as the API gives it at that time, with expiries around today."""
    day = timedelta(days=1)
    error = {"error": "Session refresh failed, manual update required"} if now >= today - 4 * day else {}
    october = {"supportMusic": False, "supportVideo": True}
    march = {"supportVideo": True, "supportChat": True, "supportAudio": True}
    entries = [
        _entry("104212880", "Amara Okafor", expires=today + 21 * day + day / 3, **march),
        _entry("104377015", "Jonas Weber", expires=today + 12 * day + day / 2, maxJobs=1, **october),
        _entry("118020446", "Priya Raman", expires=today + 5 * day - day / 8, **march),
        _entry("118733902", "Mateo Silva", expires=_renewed(today + day / 3, now), **march),
        _entry("121904571", "Lina Haddad", expires=today - 4 * day - day / 5, **march),
        _entry("127650038", "Omar Farouk", expires=today + 9 * day, **march, **error),
        _entry("130088214", "Studio North", expires=None, **march),
        _entry(
            "133461799",
            "Greta Lind",
            expires=_renewed(today - 5 * day - day / 4, now),
            supportAudio=False,
            supportVideo=True,
        ),
        _entry(
            "140255127",
            "**@everyone** [free credits](https://example.com) `x` \u202egnp.exe",
            expires=today + 18 * day,
            **march,
        ),
        _entry("156017730", "Beta Tester", expires=today + _REFUSED_EXPIRES_AFTER, supportVoiceClone=True, **march),
    ]
    return {entry["account"]: entry for entry in entries}


def build_stray(now: datetime) -> dict[str, Any]:
    """Return the account that appears when somebody signs in with the wrong Google account."""
    return _entry(STRAY, "Mia Private", expires=now + LIFE, supportVideo=True)


def renewed(entry: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Return an account as the API gives it after its login was renewed."""
    expires = now + LIFE
    dates = {"exp": expires.timestamp(), "iat": now.timestamp()}
    texts = {"iat_Issued": now.isoformat(), "exp_Expire": expires.isoformat()}
    kept = {name: value for name, value in entry.items() if name != "error"}
    return kept | {"jwt": entry["jwt"] | dates | texts}


def expiry_of(entry: Mapping[str, Any]) -> float:
    """Return when an account's login expires, as a timestamp; 0 if the API gives no date."""
    return float(entry["jwt"].get("exp", 0))


def build_jobs(accounts: Mapping[str, Mapping[str, Any]], today: datetime, now: datetime) -> list[dict[str, Any]]:
    """Return the jobs of the last 24 hours, newest first; one account's fail until it is renewed, or for two days."""
    hours = timedelta(hours=1)
    jobs = []
    for place, (account_id, entry) in enumerate(accounts.items()):
        is_failing = account_id == FAILING and now < today + timedelta(days=2)
        is_renewed = expiry_of(entry) > (today + _REFUSED_EXPIRES_AFTER).timestamp()
        for number in range(8 + place % 4):
            at = now - (0.2 + number * 2.1) * hours
            is_refused = is_failing and not (is_renewed and at.timestamp() > entry["jwt"]["iat"])
            code = 401 if is_refused else 422 if number == place else 201
            jobs.append(build_job(account_id, at, code))
    return sorted(jobs, key=lambda job: str(job["timestamp"]), reverse=True)


def _build_credits(account_id: str, place: int, now: datetime) -> dict[str, Any]:
    total = 80 if account_id == LOW_ON_CREDITS else 1_240 + 310 * place
    expiring = [{"credit": total // 4, "endTime": (now + timedelta(days=days)).timestamp() * 1000} for days in (1, 9)]
    return {"totalCredits": total, "memberName": "Standard", "memberHoverText": "", "creditExpireText": expiring}


def set_scene(api: FakeApi, today: datetime, now: datetime) -> None:
    """Let the fake API answer as it does at that time."""
    api.accounts = build_accounts(today, now)
    api.jobs = build_jobs(api.accounts, today, now)
    api.credits = {key: _build_credits(key, place, now) for place, key in enumerate(api.accounts)}


def build_avatars() -> dict[str, tuple[str, bytes]]:
    """Return the pictures of the avatars by URL, so that the page shows them without a network."""
    return {f"{_AVATARS}/{name}.png": (f"{name}.png", draw_avatar(colour)) for name, colour in _COLOURS.items()}


def draw_avatar(colour: str) -> bytes:
    """Return a picture of a person before this colour, as a PNG file."""
    image = Image.new("RGB", (160, 160), colour)
    draw = ImageDraw.Draw(image)
    draw.ellipse((54, 34, 106, 86), fill="white")
    draw.ellipse((30, 96, 130, 196), fill="white")
    file = BytesIO()
    image.save(file, "PNG")
    return file.getvalue()
