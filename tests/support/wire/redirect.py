"""Connects discord.py to the stand-in of Discord."""

from collections.abc import Iterator
from contextlib import contextmanager

import discord.gateway
import discord.http
import yarl


def connect_discord_to(url: str) -> None:
    """Send discord.py's requests and connections to this address from now on."""
    standin = yarl.URL(url)
    discord.http.Route.BASE = f"{standin.origin()}/api/v10"
    discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = standin.with_scheme("ws").with_path("/gateway/")


@contextmanager
def discord_connected_to(url: str) -> Iterator[None]:
    """Send discord.py's requests and connections to this address until the block ends."""
    base, gateway = discord.http.Route.BASE, discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY
    connect_discord_to(url)
    try:
        yield
    finally:
        discord.http.Route.BASE, discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = base, gateway
