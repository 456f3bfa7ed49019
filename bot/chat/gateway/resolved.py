"""Completes what Discord sends about the channels, roles and people that a command's options name.

discord.py insists on fields that Discord's documents leave out or call optional, and that the bot does not need. What
decides whether a reminder arrives is not made up: a channel's type and the user's permissions in it, a member's roles.
"""

from collections.abc import Mapping
from typing import Any

_THREAD_METADATA: Mapping[str, Any] = {"archived": False, "auto_archive_duration": 0, "archive_timestamp": None}
_THREAD: Mapping[str, Any] = {"parent_id": 0, "owner_id": 0, "member_count": 0, "message_count": 0}
_USER: Mapping[str, Any] = {"discriminator": "0", "avatar": None}


def complete_resolved(data: Mapping[str, Any]) -> None:
    """Add the missing fields to a command's data, in place; whatever has no name is called by its id."""
    resolved = data.get("resolved", {})
    for key, channel in resolved.get("channels", {}).items():
        metadata = {**_THREAD_METADATA, **(channel.get("thread_metadata") or {})}
        channel.update({"id": key, "name": key, **_THREAD, **channel, "thread_metadata": metadata})
    for key, role in resolved.get("roles", {}).items():
        role.update({"id": key, "name": key, **role})
    for key, user in resolved.get("users", {}).items():
        user.update({"id": key, "username": key, **_USER, **user})
    for member in resolved.get("members", {}).values():
        member.setdefault("flags", 0)
