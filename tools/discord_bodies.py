"""`python -m tools.discord_bodies FILE`: takes the schemas of the bot's requests out of Discord's OpenAPI document.

Discord publishes the document as `discord/discord-api-spec`, under the licence beside the result.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_RESULT = Path(__file__).parent.parent / "tests" / "data" / "discord" / "bodies.json"
_REQUESTS = {
    "/channels/{channel_id}/messages": "post",
    "/channels/{channel_id}/messages/{message_id}": "patch",
    "/channels/{channel_id}": "patch",
    "/users/@me/channels": "post",
    # The demo gives the bot its name.
    "/users/@me": "patch",
    "/interactions/{interaction_id}/{interaction_token}/callback": "post",
    "/webhooks/{webhook_id}/{webhook_token}": "post",
    "/webhooks/{webhook_id}/{webhook_token}/messages/@original": "patch",
    "/webhooks/{webhook_id}/{webhook_token}/messages/{message_id}": "patch",
    "/applications/{application_id}/guilds/{guild_id}/commands": "put",
}
_WORDS = ("description", "title", "examples", "contentEncoding")


def _without_words(part: Any) -> Any:
    """Return a schema without the texts for people; a property may have the name of such a text."""
    if isinstance(part, list):
        return [_without_words(one) for one in part]
    if not isinstance(part, dict):
        return part
    return {
        name: _without_words(one)
        for name, one in part.items()
        if not (name in _WORDS and isinstance(one, str | list)) and name != "x-discord-union"
    }


def _names_in(part: Any) -> Iterator[str]:
    """Yield the names of the schemas that a schema refers to."""
    if isinstance(part, dict):
        if "$ref" in part:
            yield part["$ref"].rpartition("/")[2]
        part = list(part.values())
    if isinstance(part, list):
        for one in part:
            yield from _names_in(one)


def take_bodies(document: dict[str, Any]) -> dict[str, Any]:
    """Return the schemas of the bodies by path and method, with those that they refer to."""
    bodies = {
        path: {method: _without_words(document["paths"][path][method]["requestBody"]["content"]["application/json"])}
        for path, method in _REQUESTS.items()
    }
    bodies = {path: {method: one["schema"] for method, one in methods.items()} for path, methods in bodies.items()}
    schemas: dict[str, Any] = {}
    wanted = list(_names_in(bodies))
    while wanted:
        name = wanted.pop()
        if name not in schemas:
            schemas[name] = _without_words(document["components"]["schemas"][name])
            wanted += _names_in(schemas[name])
    return {"bodies": bodies, "components": {"schemas": dict(sorted(schemas.items()))}}


if __name__ == "__main__":
    taken = take_bodies(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    _RESULT.write_text(json.dumps(taken, indent=1) + "\n", encoding="utf-8")
