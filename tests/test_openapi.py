"""The check of what the bot sends to Discord, which goes with each test, finds what is wrong."""

from typing import Any

import pytest

from tests.support.openapi import check_body, take_problems

MESSAGES = "/api/v10/channels/1/messages"
BUTTON = {"type": 2, "style": 2, "label": "Check now", "custom_id": "minimax:recheck"}
LONG = BUTTON | {"label": "x" * 81}


@pytest.mark.parametrize(
    ("method", "path", "body", "found"),
    [
        ("POST", MESSAGES, {"content": "x" * 4_001}, "content"),
        ("POST", MESSAGES, {"content": "x", "embeds": [{"title": "x" * 257}]}, "embeds"),
        (
            "PATCH",
            f"{MESSAGES}/2",
            {"components": [{"type": 1, "components": [LONG]}]},
            "components",
        ),
        ("POST", "/channels/1/messages?wait=1", {"nonce": []}, "nonce"),
        ("POST", "/interactions/1/token/callback", {"type": 4, "data": {"embeds": [{}] * 11}}, "not valid"),
        ("PUT", "/applications/1/guilds/2/commands", [{"name": "x" * 33, "description": "x"}], "x"),
        ("POST", "/channels/1/pins/2", {}, "no schema is known"),
    ],
)
def test_a_wrong_body_is_found(method: str, path: str, body: Any, found: str) -> None:
    """A body over a limit, of another type, or of an unknown request, is a problem of the test that sent it."""
    check_body(method, path, body)
    (problem, *_) = take_problems()
    assert found in problem


@pytest.mark.parametrize("ids", [[], [1_100_000_000_000_000_001], ["1100000000000000001"]])
def test_an_ordinary_body_is_no_problem(ids: list[Any]) -> None:
    """A message as discord.py sends it, with ids as numbers, is fine; so is a request without a body."""
    embed = {"description": "x", "footer": {"text": "x"}, "color": 1, "type": "rich", "flags": 0}
    body = {"content": "x", "embeds": [embed], "components": [{"type": 1, "components": [BUTTON]}]}
    check_body("POST", MESSAGES, body | {"allowed_mentions": {"parse": [], "roles": ids, "users": []}})
    check_body("GET", MESSAGES, None)
    check_body("DELETE", f"{MESSAGES}/1", None)
    assert take_problems() == []
