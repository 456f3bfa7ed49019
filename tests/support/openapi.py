"""Compares each body that the bot sends to Discord with Discord's own OpenAPI document.

`tests/data/discord/bodies.json` holds the schemas of the requests that the bot makes, out of Discord's document.
"""

import functools
import importlib.util
import json
import re
from collections.abc import Mapping
from typing import Any

from tests.support.paths import REPOSITORY

_DOCUMENT = REPOSITORY / "tests" / "data" / "discord" / "bodies.json"
_URI = "urn:discord"
_VERSION = re.compile(r"^/api/v[0-9]+")
_MOST_NAMED = 3
# The benchmarks, which do without, measure what else happens.
_IS_ON = importlib.util.find_spec("jsonschema") is not None

Problems = list[str]
_PROBLEMS: Problems = []


@functools.cache
def _load() -> list[tuple[str, re.Pattern[str], Any]]:
    """Return the method, the path and the schema of each known request, the most exact path first."""
    # Quick tests send nothing.
    from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
    from referencing import Registry
    from referencing.jsonschema import DRAFT202012

    document = json.loads(_DOCUMENT.read_text(encoding="utf-8"))
    registry: Registry[Any] = Registry().with_resource(_URI, DRAFT202012.create_resource(document))
    found = []
    for path, methods in sorted(document["bodies"].items(), key=lambda item: item[0].count("{")):
        pattern = re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path)))
        for method in methods:
            pointer = path.replace("~", "~0").replace("/", "~1").replace("{", "%7B").replace("}", "%7D")
            schema = {"$ref": f"{_URI}#/bodies/{pointer}/{method}"}
            found.append((method.upper(), pattern, Draft202012Validator(schema, registry=registry)))
    return found


def check_body(method: str, path: str, body: Any) -> None:
    """Keep what is wrong with a body, or that its request is not known, for `take_problems`."""
    if _IS_ON and method in ("POST", "PUT", "PATCH") and body is not None:
        path = _VERSION.sub("", path.partition("?")[0])
        _PROBLEMS.extend(_judge(method, path, json.dumps(_with_text_ids(body), sort_keys=True)))


def take_problems() -> Problems:
    """Return the problems since the last call."""
    taken = list(_PROBLEMS)
    _PROBLEMS.clear()
    return taken


def watch_simcord() -> None:
    """Check each body that a bot sends to the simulated Discord."""
    import simcord.http.router

    dispatch = simcord.http.router.dispatch

    @functools.wraps(dispatch)
    def check_and_dispatch(backend: Any, method: str, path: str, **options: Any) -> Any:
        check_body(method, path, options.get("json"))
        return dispatch(backend, method, path, **options)

    simcord.http.router.dispatch = check_and_dispatch


def _with_text_ids(body: Any) -> Any:
    """Return the body with the ids of people and roles as texts: discord.py sends numbers, which Discord takes too."""
    if not isinstance(body, Mapping):
        return body
    named: dict[str, Any] = {name: str(body[name]) for name in ("recipient_id",) if name in body}
    pinged = body.get("allowed_mentions")
    if isinstance(pinged, Mapping):
        ids = {name: list(map(str, pinged[name])) for name in ("roles", "users") if name in pinged}
        named["allowed_mentions"] = {**pinged, **ids}
    return {**body, **named}


@functools.lru_cache(maxsize=4_096)
def _judge(method: str, path: str, text: str) -> tuple[str, ...]:
    for known, pattern, validator in _load():
        if known == method and pattern.fullmatch(path):
            errors = list(validator.iter_errors(json.loads(text)))
            return tuple(f"{method} {path}: {one.json_path}: {one.message[:500]}" for one in errors[:_MOST_NAMED])
    return (f"{method} {path}: no schema is known",)
