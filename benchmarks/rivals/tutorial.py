"""discord.py as tutorials teach it: `commands.Bot`, default intents, sync when ready, defer, a session per call."""

import os
from typing import Any

import aiohttp
import discord
from discord import app_commands
from discord.ext import commands

from benchmarks.rivals.card import COMMAND, DESCRIPTION, account_path, fields_of, footer_of, state_of, title_of

_GUILD = discord.Object(int(os.environ["GUILD_IDS"]))
bot = commands.Bot(command_prefix="!", intents=discord.Intents.default())


@bot.event
async def on_ready() -> None:
    """Register the command."""
    await bot.tree.sync(guild=_GUILD)
    print("ready", flush=True)


@bot.tree.command(name=COMMAND, description=DESCRIPTION, guild=_GUILD)
@app_commands.describe(account="Account id")
async def minimax_account(interaction: discord.Interaction[Any], account: str) -> None:
    """Show an account."""
    await interaction.response.defer(ephemeral=True)
    headers = {"Authorization": f"Bearer {os.environ['USEAPI_TOKEN']}"}
    async with (
        aiohttp.ClientSession() as session,
        session.get(os.environ["USEAPI_BASE_URL"] + account_path(account), headers=headers) as response,
    ):
        if response.status != 200:
            await interaction.followup.send(f"Error {response.status}: {await response.text()}", ephemeral=True)
            return
        data = await response.json()
    embed = discord.Embed(
        title=title_of(data),
        description=state_of(data),
        colour=discord.Colour.green(),
        timestamp=discord.utils.utcnow(),
    )
    for name, value, is_inline in fields_of(data):
        embed.add_field(name=name, value=value, inline=is_inline)
    embed.set_footer(text=footer_of(data))
    await interaction.followup.send(embed=embed, ephemeral=True)


bot.run(os.environ["DISCORD_TOKEN"])
