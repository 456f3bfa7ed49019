"""The JSON that Discord sends: users, servers, channels, interactions, messages, registered commands."""

import itertools
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from tests.support.wire.virtual_time import read_clock

Json = dict[str, Any]

APPLICATION_ID = "1100000000000000001"
CHANNEL_ID = "1100000000000000002"
GUILD_ID = 1_100_000_000_000_000_003
OTHER_GUILD_ID = 1_100_000_000_000_000_004
COMMAND = "minimax-account"
REMINDERS_COMMAND = "minimax-reminders"
STATUS_COMMAND = "minimax-status"

SLASH, BUTTON, AUTOCOMPLETE, SUBMIT = 2, 3, 4, 5
PRIVATE, LOADING = 64, 128
_STRING_OPTION, _CHANNEL_OPTION, _BUTTON_COMPONENT, _TEXT_CHANNEL, DIRECT_CHANNEL = 3, 7, 2, 0, 1
_TEXT_INPUT, _LABEL = 4, 18
_EPOCH_MS = 1_420_070_400_000
_BLANK: Json = {"content": "", "embeds": [], "components": []}
ALL_PERMISSIONS = str(2**50 - 1)
_count = itertools.count(1)


def new_id(moment: datetime | None = None) -> str:
    """Return a snowflake of this moment, by default of now, unlike any other."""
    milliseconds = int((moment or read_clock()).timestamp() * 1000) - _EPOCH_MS
    return str(milliseconds << 22 | next(_count) % 2**22)


def build_user(user_id: str, name: str = "mia", **more: Any) -> Json:
    """Return a user object."""
    return {"id": user_id, "username": name, "discriminator": "0", "avatar": None, "global_name": name.title()} | more


def build_application() -> Json:
    """Return the bot's application object."""
    return {
        "id": APPLICATION_ID,
        "name": "MiniMax Account Bot",
        "description": "",
        "icon": None,
        "bot_public": False,
        "bot_require_code_grant": False,
        "verify_key": "0" * 64,
        "owner": build_user("1100000000000000009", "owner"),
        "flags": 0,
    }


def _build_role(role_id: int, name: str, permissions: str) -> Json:
    return {
        "id": str(role_id),
        "name": name,
        "permissions": permissions,
        "color": 0,
        "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
        "position": 0,
        "hoist": False,
        "managed": False,
        "mentionable": False,
        "flags": 0,
    }


def build_channel(channel_id: int, guild_id: str) -> Json:
    """Return a text channel that all members may use."""
    return {
        "id": str(channel_id),
        "type": 0,
        "guild_id": guild_id,
        "name": "pipeline",
        "position": 0,
        "permission_overwrites": [],
    }


def build_thread(thread_id: int, guild_id: int, *, is_archived: bool, is_locked: bool) -> Json:
    """Return a public thread."""
    metadata = {
        "archived": is_archived,
        "locked": is_locked,
        "auto_archive_duration": 1440,
        "archive_timestamp": "2024-01-01T00:00:00+00:00",
    }
    return build_channel(thread_id, str(guild_id)) | {
        "type": 11,
        "parent_id": CHANNEL_ID,
        "owner_id": APPLICATION_ID,
        "message_count": 1,
        "member_count": 1,
        "thread_metadata": metadata,
    }


def build_guild(guild_id: int, bot_permissions: str) -> Json:
    """Return a server in which the bot's own role grants these permissions, and @everyone grants none."""
    return {
        "id": str(guild_id),
        "name": "Listed",
        "owner_id": "1100000000000000009",
        "roles": [_build_role(guild_id, "@everyone", "0"), _build_role(guild_id + 1, "bot", bot_permissions)],
        "emojis": [],
        "features": [],
    }


def build_joined_guild(guild_id: int) -> Json:
    """Return a server as Discord sends it to a bot with the intent for servers: 20 channels, 10 roles, the bot."""
    roles = [_build_role(guild_id + number, f"role {number}", "0") for number in range(10)]
    channels = [_build_channel(guild_id + number, f"channel-{number}") for number in range(20)]
    levels = ("verification_level", "mfa_level", "nsfw_level", "explicit_content_filter", "premium_tier")
    return build_guild(guild_id, "0") | {
        "roles": roles,
        "channels": channels,
        "members": [build_bot_member(guild_id)],
        **{name: [] for name in ("threads", "presences", "voice_states", "stickers", "stage_instances")},
        **dict.fromkeys(levels, 0),
        "member_count": 3,
        "joined_at": "2024-01-01T00:00:00+00:00",
        "large": False,
        "unavailable": False,
        "icon": None,
        "preferred_locale": "en-GB",
        "default_message_notifications": 0,
        "system_channel_flags": 0,
        "afk_timeout": 300,
        "premium_progress_bar_enabled": False,
    }


def _build_channel(channel_id: int, name: str) -> Json:
    return {
        "id": str(channel_id),
        "type": _TEXT_CHANNEL,
        "name": name,
        "position": 0,
        "permission_overwrites": [{"id": str(channel_id), "type": 0, "allow": "0", "deny": "1024"}],
        "topic": f"All about {name}",
        "nsfw": False,
        "last_message_id": None,
        "rate_limit_per_user": 0,
        "parent_id": None,
        "flags": 0,
    }


def build_bot_member(guild_id: int) -> Json:
    """Return the bot as a member of the server, with its own role."""
    return {
        "user": build_user(APPLICATION_ID, "bot", bot=True),
        "roles": [str(guild_id + 1)],
        "joined_at": "2024-01-01T00:00:00+00:00",
        "deaf": False,
        "mute": False,
        "flags": 0,
    }


def _build_place(guild_id: int | None, user: Json) -> Json:
    """Return the part of an interaction about its server, None for a direct message, and its user."""
    channel: Json = {"id": CHANNEL_ID, "name": "pipeline", "position": 0, "permissions": ALL_PERMISSIONS, "flags": 0}
    if guild_id is None:
        private = {"id": CHANNEL_ID, "type": DIRECT_CHANNEL, "recipients": [user], "flags": 0}
        return {"user": user, "channel": private, "context": 1, "authorizing_integration_owners": {"0": "0"}}
    member = {
        "user": user,
        "roles": [],
        "flags": 0,
        "permissions": ALL_PERMISSIONS,
        "joined_at": "2024-01-01T00:00:00+00:00",
        "deaf": False,
        "mute": False,
    }
    return {
        "guild_id": str(guild_id),
        "guild": {"id": str(guild_id), "locale": "en-GB", "features": []},
        "guild_locale": "en-GB",
        "member": member,
        "channel": channel | {"type": _TEXT_CHANNEL, "guild_id": str(guild_id)},
        "context": 0,
        "authorizing_integration_owners": {"0": str(guild_id)},
    }


def build_interaction(kind: int, data: Json, *, guild_id: int | None, user_id: str | None, **more: Any) -> Json:
    """Return an interaction of this moment, of a new user if no id is given."""
    interaction_id = new_id()
    return {
        "id": interaction_id,
        "application_id": APPLICATION_ID,
        "type": kind,
        "token": f"interaction-{interaction_id}",
        "version": 1,
        "attachment_size_limit": 10_485_760,
        "data": data,
        "channel_id": CHANNEL_ID,
        "app_permissions": ALL_PERMISSIONS,
        "locale": "en-GB",
        "entitlements": [],
        "entitlement_sku_ids": [],
        **_build_place(guild_id, build_user(user_id or new_id())),
        **more,
    }


def build_command_data(options: Mapping[str, str], *, guild_id: int | None, focused: str | None = None) -> Json:
    """Return the data of a slash command or its completion; without a guild it is a global command."""
    chosen = [
        {"type": _STRING_OPTION, "name": name, "value": value} | ({"focused": True} if name == focused else {})
        for name, value in options.items()
    ]
    data: Json = {"id": new_id(), "name": COMMAND, "type": 1, "options": chosen}
    return data if guild_id is None else data | {"guild_id": str(guild_id)}


def build_subcommand_data(subcommand: str, options: Mapping[str, str]) -> Json:
    """Return the data of a subcommand of the reminders, in the server."""
    chosen = [{"type": _STRING_OPTION, "name": name, "value": value} for name, value in options.items()]
    part = {"type": 1, "name": subcommand, "options": chosen}
    return {"id": new_id(), "name": REMINDERS_COMMAND, "type": 1, "options": [part], "guild_id": str(GUILD_ID)}


def build_status_data() -> Json:
    """Return the data of the status command, in the server."""
    return {"id": new_id(), "name": STATUS_COMMAND, "type": 1, "options": [], "guild_id": str(GUILD_ID)}


def build_board_data(command: str, channel_id: int) -> Json:
    """Return the data of the command that adds or removes a channel's board."""
    channel = build_channel(channel_id, str(GUILD_ID)) | {"permissions": ALL_PERMISSIONS}
    option = {"type": _CHANNEL_OPTION, "name": "channel", "value": str(channel_id)}
    part = {"type": 1, "name": command, "options": [option]}
    resolved = {"channels": {str(channel_id): channel}}
    return build_subcommand_data(command, {}) | {"name": "minimax-board", "options": [part], "resolved": resolved}


def build_press_data(custom_id: str) -> Json:
    """Return the data of a pressed button."""
    return {"custom_id": custom_id, "component_type": _BUTTON_COMPONENT, "id": 2}


def build_form_data(custom_id: str, typed: str) -> Json:
    """Return the data of a submitted form with one field."""
    field = {"type": _TEXT_INPUT, "id": 2, "custom_id": "note", "value": typed}
    return {"custom_id": custom_id, "components": [{"type": _LABEL, "id": 1, "component": field}]}


def build_message(content: Mapping[str, Any], *, flags: int = 0) -> Json:
    """Return a message of the bot with this content, as Discord stores it."""
    return {
        "id": new_id(),
        "type": 20,
        "channel_id": CHANNEL_ID,
        "author": build_user(APPLICATION_ID, "bot", bot=True),
        "application_id": APPLICATION_ID,
        "webhook_id": APPLICATION_ID,
        "timestamp": read_clock().isoformat(),
        "edited_timestamp": None,
        "flags": flags,
        "tts": False,
        "pinned": False,
        "mention_everyone": False,
        **{name: [] for name in ("attachments", "mentions", "mention_roles")},
        **_BLANK,
        **visible(content),
    }


def visible(content: Mapping[str, Any]) -> Json:
    """Return the visible parts of a message or edit of the bot; an edit leaves out the parts that it keeps."""
    return {name: content[name] or blank for name, blank in _BLANK.items() if name in content}


def build_button_message(custom_id: str) -> Json:
    """Return an older message of the bot that carries a button."""
    button = {"type": 2, "id": 2, "style": 2, "label": "Check now", "custom_id": custom_id}
    return build_message({"components": [{"type": 1, "id": 1, "components": [button]}]})


def as_registered(commands: Sequence[Mapping[str, Any]], guild_id: str) -> list[Json]:
    """Return commands as Discord stores them: with ids, nulls and defaults, and permissions as text."""
    return [_as_registered(command, guild_id) for command in commands]


def _as_registered(command: Mapping[str, Any], guild_id: str) -> Json:
    permissions = command.get("default_member_permissions")
    filled = {
        "id": new_id(),
        "application_id": APPLICATION_ID,
        "version": new_id(),
        "type": 1,
        "guild_id": guild_id,
        "name_localizations": None,
        "description_localizations": None,
        "nsfw": False,
        "integration_types": [0],
        **command,
        "contexts": None,
        "default_member_permissions": None if permissions is None else str(permissions),
        "options": [_as_registered_option(option) for option in command.get("options", [])],
    }
    return {name: value for name, value in filled.items() if name != "dm_permission"}


def _as_registered_option(option: Mapping[str, Any]) -> Json:
    kept = {name: value for name, value in option.items() if value not in (None, False, [])}
    return {"name_localizations": None, "description_localizations": None, **kept}
