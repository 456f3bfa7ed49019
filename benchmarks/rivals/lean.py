"""The leanest bot one can write with discord.py: no intents, one session, one direct answer."""

import os
from typing import Any

import aiohttp
import discord
from discord import app_commands

from benchmarks.rivals.card import COMMAND, DESCRIPTION, account_path, fields_of, footer_of, state_of, title_of

_GUILD = discord.Object(int(os.environ["GUILD_IDS"]))


class Lean(discord.Client):
    """A client with one session and one command."""

    session: aiohttp.ClientSession

    def __init__(self) -> None:
        super().__init__(intents=discord.Intents.none(), max_messages=None)
        self.tree = app_commands.CommandTree(self)

    async def setup_hook(self) -> None:
        """Open the session and register the command."""
        headers = {"Authorization": f"Bearer {os.environ['USEAPI_TOKEN']}"}
        self.session = aiohttp.ClientSession(os.environ["USEAPI_BASE_URL"], headers=headers)
        await self.tree.sync(guild=_GUILD)

    async def on_ready(self) -> None:
        """Report that the bot is ready."""
        print("ready", flush=True)


client = Lean()


@client.tree.command(name=COMMAND, description=DESCRIPTION, guild=_GUILD)
async def minimax_account(interaction: discord.Interaction[Any], account: str) -> None:
    """Show an account."""
    async with client.session.get(account_path(account)) as response:
        if response.status != 200:
            await interaction.response.send_message(f"Error {response.status}", ephemeral=True)
            return
        data = await response.json()
    embed = discord.Embed(
        title=title_of(data), description=state_of(data), colour=0x2E9E5B, timestamp=discord.utils.utcnow()
    )
    for name, value, is_inline in fields_of(data):
        embed.add_field(name=name, value=value, inline=is_inline)
    embed.set_footer(text=footer_of(data))
    await interaction.response.send_message(embed=embed, ephemeral=True)


client.run(os.environ["DISCORD_TOKEN"])
