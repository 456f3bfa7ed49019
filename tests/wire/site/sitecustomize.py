"""Lead the bot to the stand-in of Discord; Python imports this at its start."""  # noqa: INP001  (a folder of the search path, no package)

# ruff: noqa: SLF001  (the bot has no settings for what only tests may shorten)
import os

if "WITHOUT_PACKAGES" in os.environ:
    import sys

    # What an import of a package that is not installed comes to.
    sys.modules.update(dict.fromkeys(os.environ["WITHOUT_PACKAGES"].split(",")))  # type: ignore[arg-type]

if os.environ.get("DISCORD_STANDIN"):
    import discord.gateway
    import discord.http
    import yarl

    _STANDIN = yarl.URL(os.environ["DISCORD_STANDIN"])
    discord.http.Route.BASE = f"{_STANDIN.origin()}/api/v10"
    discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = _STANDIN.with_scheme("ws").with_path("/gateway/")

if "REMINDER_TEST_SCALE" in os.environ:
    import bot.chat.sender
    import bot.reminding.backing_off
    import bot.reminding.delivery
    import bot.reminding.passes

    _SCALE = float(os.environ["REMINDER_TEST_SCALE"])
    for _module, _name in ((bot.reminding.delivery, "_RETRY_AFTER"), (bot.reminding.backing_off, "_TRANSIENT_WAITS")):
        setattr(_module, _name, tuple(wait * _SCALE for wait in getattr(_module, _name)))
    # An hour and six are in there.
    _REFUSED = tuple(wait * _SCALE / 10 for wait in bot.reminding.backing_off._REFUSED_WAITS)
    bot.reminding.backing_off._REFUSED_WAITS = _REFUSED  # type: ignore[assignment]  # as long as it was
    bot.reminding.delivery.NONCE_WINDOW *= _SCALE
    bot.reminding.passes._READ_APART *= _SCALE
    # A post takes this machine as long as ever, so that this is shortened less.
    bot.chat.sender._REQUEST_SECONDS = 0.5

if "API_TEST_BUDGET" in os.environ:
    import functools

    import bot.useapi.directory

    _patient = bot.useapi.directory.open_directory
    _hasty = functools.partial(_patient, budget=float(os.environ["API_TEST_BUDGET"]))
    vars(bot.useapi.directory)["open_directory"] = _hasty

if "ANSWER_TEST_SECONDS" in os.environ:
    from datetime import timedelta

    import bot.chat.replies

    bot.chat.replies.ANSWER_WITHIN = timedelta(seconds=float(os.environ["ANSWER_TEST_SECONDS"]))

if "PACE_TEST" in os.environ:
    import bot.chat.pacing

    for _pair in os.environ["PACE_TEST"].split():
        _name, _value = _pair.split("=")
        setattr(bot.chat.pacing, _name, type(getattr(bot.chat.pacing, _name))(_value))

if "BACKOFF_TEST_SCALE" in os.environ:
    import functools

    import discord.backoff

    import bot.chat.connection
    import bot.core.pace

    _SHORTER = float(os.environ["BACKOFF_TEST_SCALE"])
    _delay = discord.backoff.ExponentialBackoff.delay
    discord.backoff.ExponentialBackoff.delay = lambda self: _delay(self) * _SHORTER  # type: ignore[method-assign,assignment]
    _shorter = functools.partial(bot.core.pace.backoff, first=_SHORTER, most=300 * _SHORTER)
    vars(bot.chat.connection)["backoff"] = _shorter

if "CRASH_TEST" in os.environ:
    import bot.running

    async def _crash(*_arguments: object) -> None:
        raise LookupError(os.environ["CRASH_TEST"])

    vars(bot.running)["keep_reporting"] = _crash

if "FAIL_TEST" in os.environ:
    import discord

    import bot.chat.lookup

    _view = bot.chat.lookup.account_view

    def _fail(account_id: str) -> discord.ui.View:
        if account_id == "failing":
            raise LookupError(os.environ["FAIL_TEST"])
        return _view(account_id)

    vars(bot.chat.lookup)["account_view"] = _fail

if "REMINDER_TEST_INTERVAL" in os.environ:
    from datetime import timedelta

    import bot.reminding.passes

    _INTERVAL = timedelta(seconds=float(os.environ["REMINDER_TEST_INTERVAL"]))
    _rest_as_set = bot.reminding.passes.Passes._rest

    async def _rest(passes: bot.reminding.passes.Passes) -> None:
        # The settings allow whole seconds only.
        passes.interval = _INTERVAL
        await _rest_as_set(passes)

    bot.reminding.passes.Passes._rest = _rest  # type: ignore[assignment,method-assign]

if "REMINDER_TEST_LEASE" in os.environ:
    import bot.store.leader

    bot.store.leader.LEASE_SECONDS = int(os.environ["REMINDER_TEST_LEASE"])
    bot.store.leader._RENEW_SECONDS = bot.store.leader.LEASE_SECONDS / 4

if "REMINDER_TEST_DIE_AT_STEP" in os.environ:
    import itertools
    import signal
    import sys

    _steps = itertools.count(1)

    def _die_at_step(event: str, arguments: tuple[object, ...]) -> None:
        # Whatever opens, moves or removes a file of the database.
        is_step = event in ("open", "os.rename", "os.remove", "sqlite3.connect") and "bot.db" in str(arguments[:2])
        if is_step and next(_steps) == int(os.environ["REMINDER_TEST_DIE_AT_STEP"]):
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(_die_at_step)

if "REMINDER_TEST_CLOCK" in os.environ:
    from collections.abc import Callable
    from datetime import datetime, timedelta
    from pathlib import Path

    import bot.running
    from bot.config import Settings

    _CLOCK = Path(os.environ["REMINDER_TEST_CLOCK"])
    _run_on_time = bot.running.run

    async def _run(settings: Settings, *, now: Callable[[], datetime]) -> None:
        # The file says by how many seconds the clock is wrong at the moment.
        await _run_on_time(settings, now=lambda: now() + timedelta(seconds=float(_CLOCK.read_text())))

    bot.running.run = _run

if "REMINDER_TEST_DIE_BEFORE_COMMIT" in os.environ:
    import itertools
    import signal

    import sqlalchemy

    _commits = itertools.count(1)

    @sqlalchemy.event.listens_for(sqlalchemy.Engine, "commit")
    def _die(_connection: sqlalchemy.Connection) -> None:
        if next(_commits) == int(os.environ["REMINDER_TEST_DIE_BEFORE_COMMIT"]):
            os.kill(os.getpid(), signal.SIGKILL)
