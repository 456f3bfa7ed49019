"""The demo's accounts: one for each status, in the shapes of both API documents."""

import base64
import json
from datetime import datetime, timedelta
from io import BytesIO
from typing import Any

from PIL import Image, ImageDraw

FIRST_SHOWN = "104212880"
LIFE = timedelta(days=30)
_RENEWED_AFTER = timedelta(days=2)
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
        _entry("156017730", "Beta Tester", expires=today + 24 * day, supportVoiceClone=True, **march),
    ]
    return {entry["account"]: entry for entry in entries}


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
