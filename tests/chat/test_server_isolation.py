"""Tests that no interaction in one server reads or changes anything of another one."""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import discord
import pytest
import simcord
import sqlalchemy as sa
from discord.app_commands import CommandNotFound
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from simcord.backend import serializers
from simcord.interactions import base_payload, command_leaves, nest_options

from bot.core.messages import footer_id_of
from bot.store.tables import metadata
from tests.support.accounts import build_account, by_id
from tests.support.chat.forms import write_note
from tests.support.chat.reminders import add, posts_in
from tests.support.world import GUILD_ID, MEMBER, OTHER_GUILD_ID, World, open_world

COMMAND, COMPONENT, COMPLETION, SUBMIT = 2, 3, 4, 5
TEXT, CHANNEL, ROLE, PINGED = 3, 7, 8, 9
BUTTON, MENU = 2, 3
NOTE = "video@studio.example, in the safe"
NAMES = ("Jane Doe", "Sam Reed")
EVERYTHING = str(discord.Permissions.all().value)
LISTS = ["reminders", "watches", "preview", "upcoming", "accounts"]
ACTIONS = ["check", "remind", "edit-note", "note"]
ACCOUNTS = ["123456", "234567", "345678", "999"]
WORDS = st.sampled_from(
    ["1", "2", "3", "4", "0", "-1", "all", "All accounts", "yes", "no", "14, 7", "Jane Doe", *ACCOUNTS]
) | st.text(min_size=1, max_size=20)
CUSTOM_IDS = st.one_of(
    st.builds("minimax:{}:{}".format, st.sampled_from(ACTIONS), st.sampled_from(ACCOUNTS)),
    st.builds("minimax:page:{}:{}".format, st.sampled_from([*LISTS, "odd"]), st.integers(0, 9)),
    st.builds("minimax:accounts:{}".format, st.integers(0, 9)),
    st.sampled_from(["minimax:recheck", "minimax:take", "minimax:board"]),
    st.builds("minimax:{}".format, st.text(max_size=20)),
)


@dataclass
class Servers:
    """Two servers: one in which every feature was used, and another with a user who tries to reach it."""

    world: World
    role: simcord.RoleHandle
    hidden: simcord.ChannelHandle
    outside: simcord.ChannelHandle
    own_role: simcord.RoleHandle
    intruder: simcord.MemberActor
    own_message: int
    is_listed: bool

    async def rows(self, guild_id: int = GUILD_ID) -> dict[str, Any]:
        """Return all rows of a server in the database."""
        tables = [table for table in metadata.tables.values() if "guild_id" in table.c]
        async with self.world.database.begin() as tx:
            return {
                table.name: (await tx.execute(sa.select(table).where(table.c.guild_id == guild_id))).all()
                for table in tables
            }

    def messages(self) -> list[Any]:
        """Return everything that the first server shows."""
        channels = (self.world.channel, self.hidden)
        return [
            (post.id, post.content, post.embeds, [row.to_dict() for row in post.components])
            for one in channels
            for post in posts_in(one)
        ]

    async def secrets(self) -> set[str]:
        """Return texts that would reveal something of the first server."""
        objects = (self.world.channel, self.hidden, self.role, self.world.manager, self.world.member)
        footer_ids = {footer_id_of(one.nonce) for one in (await self.rows())["messages"]}
        shown = {str(post[0]) for post in self.messages()}
        return {str(one.id) for one in objects} | {"hidden-room", "Ops", NOTE} | shown | footer_ids

    async def dispatch(
        self, kind: int, data: dict[str, Any], message: dict[str, Any] | None = None, *, at_home: bool = False
    ) -> str:
        """Send an interaction of the intruder as Discord does; return everything that the bot sent then, as text."""
        env = self.world.env
        guild_id, channel = (GUILD_ID, self.world.channel) if at_home else (OTHER_GUILD_ID, self.outside)
        user = self.world.manager if at_home else self.intruder
        before = len(env.http_requests)
        record, payload = base_payload(
            env.backend, type=kind, channel_id=channel.id, guild_id=guild_id, user_id=user.id, data=data
        )
        if message is not None:
            payload["message"] = message
            record.source_message_id = self.own_message
        env.backend.emit("INTERACTION_CREATE", payload)
        await env.settle()
        await env.advance_time(4)
        # The bot answers a command that a server does not have in words; the simulation reports it nevertheless.
        assert not [error for error in env.errors if not isinstance(error, CommandNotFound)]
        env._errors.clear()  # noqa: SLF001
        return "\n".join(
            f"{one.method} {one.path} {one.json}" for one in env.http_requests[before:] if one.method != "GET"
        )

    def option(self, spec: Mapping[str, Any], draw: st.DataObject) -> dict[str, Any]:
        """Draw one option's value."""
        choices = {
            CHANNEL: st.sampled_from([str(one.id) for one in (self.world.channel, self.hidden, self.outside)]),
            PINGED: st.just(str(self.own_role.id)),
        }
        return {"name": spec["name"], "type": spec["type"], "value": draw.draw(choices.get(spec["type"], WORDS))}

    def resolved(self) -> dict[str, Any]:
        """Return what Discord sends about the channels and roles of the options, with permissions."""
        channels = {
            str(one.id): {"id": str(one.id), "name": "named", "type": 0, "permissions": EVERYTHING, "parent_id": None}
            for one in (self.world.channel, self.hidden, self.outside)
        }
        role = serializers.role_payload(self.world.env.backend.get_guild(OTHER_GUILD_ID).roles[self.own_role.id])
        return {"channels": channels, "roles": {str(self.own_role.id): dict(role)}}


async def _furnish(world: World, *, is_listed: bool) -> Servers:
    """Use every feature in the first server; give the other one a manager."""
    guild, env = world.env.guild, world.env
    hidden = guild.create_text_channel("hidden-room")
    role = guild.create_role("Ops", mentionable=True)
    await add(world, ping=role)
    await add(world, "123456", channel=hidden)
    await add(world, "234567", channel=hidden)
    await world.manager.slash(world.channel, "minimax-reminders pause", reminder="3")
    await world.poll_once()
    pressed = await world.member.click(posts_in(world.channel)[0], label="I'm on it")
    await world.member.select(pressed.followups[0], ["all"])
    await world.manager.slash(world.channel, "minimax-board add", channel=hidden)
    await write_note(world, NOTE)
    env.inject_error("POST", f"/channels/{hidden.id}/messages", status=403, code=50013)
    world.api.accounts["123456"] = build_account("123456", days=2)
    await env.advance_time(60)
    await world.poll_twice()
    other = env.create_guild("Other", id=OTHER_GUILD_ID)
    managers = other.create_role("M", permissions=discord.Permissions(MEMBER.value, manage_guild=True))
    intruder = other.add_member(env.create_user("eve"), roles=[managers])
    outside = other.create_text_channel("outside")
    own = await world.application.bot.get_partial_messageable(outside.id).send("own")
    return Servers(world, role, hidden, outside, managers, intruder, own.id, is_listed=is_listed)


@pytest.fixture(params=["unlisted", "listed"])
async def servers(request: pytest.FixtureRequest) -> AsyncIterator[Servers]:
    """Run the bot for the first server, with the other one listed or not."""
    entries = by_id(
        build_account("123456"),
        build_account("234567", "Sam Reed", days=3),
        build_account("345678", "Sam Reed", days=-2),
    )
    guild_ids = (GUILD_ID, OTHER_GUILD_ID) if request.param == "listed" else (GUILD_ID,)
    async with open_world(entries, guild_ids) as world:
        yield await _furnish(world, is_listed=request.param == "listed")


def leaves(servers: Servers, kind: int) -> list[tuple[dict[str, Any], list[str], dict[str, Any]]]:
    """Return every command and subcommand that the first server has: its root, its path and itself."""
    roots = servers.world.env.backend.commands[GUILD_ID].values()
    found = [(dict(root), path, leaf) for root in roots for path, leaf in command_leaves(dict(root))]
    return [one for one in found if kind == COMMAND or completed(one[2])]


def completed(leaf: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the options of a command that have completion."""
    return [dict(spec) for spec in leaf.get("options") or [] if spec.get("autocomplete")]


def build_command(servers: Servers, kind: int, draw: st.DataObject) -> dict[str, Any]:
    """Draw the data of a command, or of the completion of one of its options."""
    root, path, leaf = draw.draw(st.sampled_from(leaves(servers, kind)))
    specs = [dict(spec) for spec in leaf.get("options") or []]
    options = [servers.option(spec, draw) for spec in specs if spec.get("required") or draw.draw(st.booleans())]
    if kind == COMPLETION:
        focused = draw.draw(st.sampled_from(completed(leaf)))
        options = [one for one in options if one["name"] != focused["name"]]
        options.append({"name": focused["name"], "type": focused["type"], "value": draw.draw(WORDS), "focused": True})
    data = {"id": root["id"], "name": root["name"], "type": 1, "options": nest_options(root, path[1:], options)}
    registered_in = draw.draw(st.sampled_from([GUILD_ID, OTHER_GUILD_ID]))
    return data | {"guild_id": str(registered_in), "resolved": servers.resolved()}


def build_press(servers: Servers, draw: st.DataObject) -> tuple[dict[str, Any], dict[str, Any]]:
    """Draw a press or a choice, and the message that it claims to be on: an own one, or one of the first server."""
    is_menu = draw.draw(st.booleans())
    values = draw.draw(st.lists(WORDS | st.just("all"), min_size=1, max_size=1)) if is_menu else []
    menus = ["minimax:open", *(f"minimax:assign:{post[0]}" for post in servers.messages())]
    custom_id = draw.draw(st.sampled_from(menus) | CUSTOM_IDS if is_menu else CUSTOM_IDS)
    component: dict[str, Any] = {"type": MENU if is_menu else BUTTON, "custom_id": custom_id, "id": 2}
    if is_menu:
        is_offered = draw.draw(st.booleans())
        component |= {"options": [{"label": "x", "value": value if is_offered else "other"} for value in values]}
    else:
        component |= {"style": 1, "label": "x"}
    backend = servers.world.env.backend
    message = dict(serializers.message_payload(backend, backend.get_message(servers.outside.id, servers.own_message)))
    claimed = [servers.own_message, *(post[0] for post in servers.messages())]
    message |= {
        "id": str(draw.draw(st.sampled_from(claimed))),
        "flags": draw.draw(st.sampled_from([0, 64])),
        "components": [{"type": 1, "id": 1, "components": [component]}],
    }
    data: dict[str, Any] = {"custom_id": custom_id, "component_type": component["type"]}
    return data | ({"values": values} if is_menu else {}), message


def build_form(servers: Servers, draw: st.DataObject) -> tuple[dict[str, Any], dict[str, Any]]:
    """Draw a submitted form, and the message that it claims to be from: an own one, or one of the first server."""
    _, message = build_press(servers, draw)
    field = {"type": 4, "id": 2, "custom_id": "note", "value": draw.draw(WORDS | st.just(""))}
    custom_id = draw.draw(CUSTOM_IDS)
    return {"custom_id": custom_id, "components": [{"type": 18, "id": 1, "component": field}]}, message


async def assert_nothing_seen(servers: Servers, sent: str, written: str) -> None:
    """Fail if an answer reveals more of the first server than was written, or accounts to a server not listed."""
    for secret in await servers.secrets():
        assert secret in written or secret not in sent
    if not servers.is_listed:
        assert not [name for name in NAMES if name in sent]
        assert not any((await servers.rows(OTHER_GUILD_ID)).values())


patiently = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@patiently
@given(draw=st.data())
async def test_nothing_of_another_server_is_read_or_changed(servers: Servers, draw: st.DataObject) -> None:
    """No command, completion, button, menu or form, however forged, reads or changes anything of another server."""
    rows, shown, calls = await servers.rows(), servers.messages(), len(servers.world.api.calls)
    kind = draw.draw(st.sampled_from([COMMAND, COMPONENT, COMPLETION, SUBMIT]))
    written = ""
    if kind in (COMPONENT, SUBMIT):
        build = build_press if kind == COMPONENT else build_form
        sent = await servers.dispatch(kind, *build(servers, draw))
    else:
        command = build_command(servers, kind, draw)
        written = json.dumps(command["options"])
        sent = await servers.dispatch(kind, command)
    assert await servers.rows() == rows
    assert servers.messages() == shown
    assert servers.is_listed or len(servers.world.api.calls) == calls
    await assert_nothing_seen(servers, sent, written)


async def test_the_same_requests_work_at_home(servers: Servers) -> None:
    """The same interactions read and change things in the first server itself."""
    rows, shown = await servers.rows(), servers.messages()
    assert [name for name, found in rows.items() if not found] == []

    async def use(path: str, *options: dict[str, Any]) -> str:
        root, names, _ = next(one for one in leaves(servers, COMMAND) if one[1] == path.split())
        data = {"id": root["id"], "name": root["name"], "type": 1, "guild_id": str(GUILD_ID)}
        data |= {"options": nest_options(root, names[1:], list(options)), "resolved": servers.resolved()}
        return await servers.dispatch(COMMAND, data, at_home=True)

    secrets = await servers.secrets()
    account = {"name": "account", "type": TEXT, "value": "123456"}
    for path, options in (("minimax-reminders list", []), ("minimax-account", [account])):
        assert [secret for secret in secrets if secret in (await use(path, *options)).partition("\n")[0]]
    assert "2 active · 1 paused" in await use("minimax-status")
    await use("minimax-reminders remove", {"name": "reminder", "type": TEXT, "value": "1"})
    await use("minimax-board remove", {"name": "channel", "type": CHANNEL, "value": str(servers.hidden.id)})
    after = await servers.rows()
    assert [name for name in rows if after[name] != rows[name]] == ["subscriptions", "messages", "boards"]
    assert len(servers.messages()) == len(shown) - 1
