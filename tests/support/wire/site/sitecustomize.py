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
    import bot.reminders.backoff

    import bot.chat.rest.sender
    import bot.reminders.dispatcher
    import bot.reminders.poller

    _SCALE = float(os.environ["REMINDER_TEST_SCALE"])
    for _module, _name in ((bot.reminders.dispatcher, "_RETRY_AFTER"), (bot.reminders.backoff, "_TRANSIENT_WAITS")):
        setattr(_module, _name, tuple(wait * _SCALE for wait in getattr(_module, _name)))
    # An hour and six are in there.
    _REFUSED = tuple(wait * _SCALE / 10 for wait in bot.reminders.backoff._REFUSED_WAITS)
    bot.reminders.backoff._REFUSED_WAITS = _REFUSED  # type: ignore[assignment]  # as long as it was
    bot.reminders.dispatcher.NONCE_WINDOW *= _SCALE
    bot.reminders.poller._READ_APART *= _SCALE
    # A post takes this machine as long as ever, so that this is shortened less.
    bot.chat.rest.sender._REQUEST_SECONDS = 0.5

if "API_TEST_BUDGET" in os.environ:
    import functools

    import bot.useapi.directory

    _patient = bot.useapi.directory.open_directory
    _hasty = functools.partial(_patient, budget=float(os.environ["API_TEST_BUDGET"]))
    vars(bot.useapi.directory)["open_directory"] = _hasty

if "ANSWER_TEST_SECONDS" in os.environ:
    from datetime import timedelta

    import bot.chat.gateway.responder

    bot.chat.gateway.responder.ANSWER_WITHIN = timedelta(seconds=float(os.environ["ANSWER_TEST_SECONDS"]))

if "PACE_TEST" in os.environ:
    import bot.chat.rest.rate_limit

    for _pair in os.environ["PACE_TEST"].split():
        _name, _value = _pair.split("=")
        setattr(bot.chat.rest.rate_limit, _name, type(getattr(bot.chat.rest.rate_limit, _name))(_value))

if "BACKOFF_TEST_SCALE" in os.environ:
    import functools

    import discord.backoff

    import bot.chat.gateway.connection
    import bot.core.rate_limit

    _SHORTER = float(os.environ["BACKOFF_TEST_SCALE"])
    _delay = discord.backoff.ExponentialBackoff.delay
    discord.backoff.ExponentialBackoff.delay = lambda self: _delay(self) * _SHORTER  # type: ignore[method-assign,assignment]
    _shorter = functools.partial(bot.core.rate_limit.backoff, first=_SHORTER, most=300 * _SHORTER)
    vars(bot.chat.gateway.connection)["backoff"] = _shorter

if "CRASH_TEST" in os.environ:
    import bot.runtime

    async def _crash(*_arguments: object) -> None:
        raise LookupError(os.environ["CRASH_TEST"])

    vars(bot.runtime)["keep_reporting"] = _crash

if "FAIL_TEST" in os.environ:
    import discord

    import bot.chat.commands.account

    _view = bot.chat.commands.account.account_view

    def _fail(account_id: str) -> discord.ui.View:
        if account_id == "failing":
            raise LookupError(os.environ["FAIL_TEST"])
        return _view(account_id)

    vars(bot.chat.commands.account)["account_view"] = _fail

if "REMINDER_TEST_INTERVAL" in os.environ:
    from datetime import timedelta

    import bot.reminders.poller

    _INTERVAL = timedelta(seconds=float(os.environ["REMINDER_TEST_INTERVAL"]))
    _rest_as_set = bot.reminders.poller.Poller._rest

    async def _rest(polls: bot.reminders.poller.Poller) -> None:
        # The settings allow whole seconds only.
        polls.interval = _INTERVAL
        await _rest_as_set(polls)

    bot.reminders.poller.Poller._rest = _rest  # type: ignore[assignment,method-assign]

if "REMINDER_TEST_LEASE" in os.environ:
    import bot.store.leases

    bot.store.leases.LEASE_SECONDS = int(os.environ["REMINDER_TEST_LEASE"])
    bot.store.leases._RENEW_SECONDS = bot.store.leases.LEASE_SECONDS / 4

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

    import bot.runtime
    from bot.config import Settings

    _CLOCK = Path(os.environ["REMINDER_TEST_CLOCK"])
    _run_on_time = bot.runtime.run

    async def _run(settings: Settings, *, now: Callable[[], datetime]) -> None:
        # The file says by how many seconds the clock is wrong at the moment.
        await _run_on_time(settings, now=lambda: now() + timedelta(seconds=float(_CLOCK.read_text())))

    bot.runtime.run = _run

if "REMINDER_TEST_DIE_BEFORE_COMMIT" in os.environ:
    import itertools
    import signal

    import sqlalchemy

    _commits = itertools.count(1)

    @sqlalchemy.event.listens_for(sqlalchemy.Engine, "commit")
    def _die(_connection: sqlalchemy.Connection) -> None:
        if next(_commits) == int(os.environ["REMINDER_TEST_DIE_BEFORE_COMMIT"]):
            os.kill(os.getpid(), signal.SIGKILL)
