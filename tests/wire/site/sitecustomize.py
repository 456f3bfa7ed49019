"""Lead the bot to the stand-in of Discord; Python imports this at its start."""  # noqa: INP001  (a folder of the search path, no package)

import os

if "DISCORD_STANDIN" in os.environ:
    import discord.gateway
    import discord.http
    import yarl

    _STANDIN = yarl.URL(os.environ["DISCORD_STANDIN"])
    discord.http.Route.BASE = f"{_STANDIN.origin()}/api/v10"
    discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = _STANDIN.with_scheme("ws").with_path("/gateway/")

if "WITHOUT_SIMCORD" in os.environ:
    import sys

    # What an import of a package that is not installed comes to.
    sys.modules["simcord"] = None  # type: ignore[assignment]
