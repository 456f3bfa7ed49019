"""The same with hikari: no intents, one session, one direct answer."""

import os
from datetime import UTC, datetime

import aiohttp
import hikari

from benchmarks.rivals.card import COMMAND, DESCRIPTION, account_path, fields_of, footer_of, state_of, title_of

bot = hikari.GatewayBot(
    os.environ["DISCORD_TOKEN"],
    intents=hikari.Intents.NONE,
    banner=None,
    rest_url=os.environ["HIKARI_STANDIN"] + "/api/v10",
)


class Session:
    """The one session to the API, opened when the bot starts."""

    api: aiohttp.ClientSession


async def start(_event: hikari.StartingEvent) -> None:
    """Open the session and register the command."""
    headers = {"Authorization": f"Bearer {os.environ['USEAPI_TOKEN']}"}
    Session.api = aiohttp.ClientSession(os.environ["USEAPI_BASE_URL"], headers=headers)
    command = bot.rest.slash_command_builder(COMMAND, DESCRIPTION)
    option = hikari.CommandOption(
        type=hikari.OptionType.STRING, name="account", description="Account id", is_required=True
    )
    command.add_option(option)
    me = await bot.rest.fetch_my_user()
    await bot.rest.set_application_commands(me.id, [command], guild=int(os.environ["GUILD_IDS"]))


async def report_ready(_event: hikari.ShardReadyEvent) -> None:
    """Report that the bot is ready."""
    print("ready", flush=True)


async def answer(event: hikari.InteractionCreateEvent) -> None:
    """Show an account."""
    interaction = event.interaction
    if not isinstance(interaction, hikari.CommandInteraction) or not interaction.options:
        return
    async with Session.api.get(account_path(str(interaction.options[0].value))) as response:
        status, data = response.status, await response.json(content_type=None) if response.status == 200 else {}
    kind, private = hikari.ResponseType.MESSAGE_CREATE, hikari.MessageFlag.EPHEMERAL
    if status != 200:
        await interaction.create_initial_response(kind, f"Error {status}", flags=private)
        return
    embed = hikari.Embed(title=title_of(data), description=state_of(data), colour=0x2E9E5B, timestamp=datetime.now(UTC))
    for name, value, is_inline in fields_of(data):
        embed.add_field(name, value, inline=is_inline)
    embed.set_footer(footer_of(data))
    await interaction.create_initial_response(kind, embed=embed, flags=private)


async def stop(_event: hikari.StoppingEvent) -> None:
    """Close the session."""
    await Session.api.close()


bot.subscribe(hikari.StartingEvent, start)
bot.subscribe(hikari.ShardReadyEvent, report_ready)
bot.subscribe(hikari.InteractionCreateEvent, answer)
bot.subscribe(hikari.StoppingEvent, stop)
bot.run(check_for_updates=False)
