"""Discord's REST interface in every sort of trouble: the bot goes on by itself, and says each thing once."""

from collections.abc import Callable
from datetime import timedelta
from http import HTTPStatus

from tests.support.process.scene import Reminding
from tests.support.process.stage import build_settings
from tests.support.wire.faults import limited, page
from tests.support.wire.process import run_bot
from tests.support.wire.rest import Call, Respond, refuse, reset

# Two seconds between tries become 10 ms, five minutes 1.5 s, and the two minutes in which a nonce is safe 0.6 s.
_FAST = {"REMINDER_TEST_SCALE": "0.005"}
_REFUSED = 2

# What a channel answers until somebody mends it, as the documentation numbers it; the bot knows what each means.
_LASTING = [
    (403, 50001),
    (403, 50013),
    (404, 10003),
    (404, 10004),
    (400, 50083),
    (403, 160005),
    (400, 50008),
    (400, 50024),
    (403, 50009),
    (403, 200000),
]
_PASSING = [(400, 50035), (403, 50007), (403, 50278), (408, 0), (401, 0), (429, 20028), (429, 20029)]

Incident = Callable[[Reminding, int], None]


def _refusing(status: int, code: int, times: int) -> Incident:
    return _meeting(lambda _request: refuse(status, code), times)


def _meeting(respond: Respond, times: int = 1) -> Incident:
    def meet(scene: Reminding, channel: int) -> None:
        scene.discord.rest.meet("POST", f"/channels/{channel}/", respond, times=times)

    return meet


def _losing(status: int | None) -> Incident:
    return lambda scene, channel: scene.channels.lose_answer(channel, status)


_TROUBLES: dict[str, Incident] = {
    "none": lambda _scene, _channel: None,
    **{f"{status} with code {code}, twice": _refusing(status, code, 2) for status, code in _LASTING},
    **{f"{status} with code {code}": _refusing(status, code, 1) for status, code in _PASSING},
    "429 of the channel": _meeting(lambda _request: limited(0.2)),
    "429 of everything": _meeting(lambda _request: limited(0.2, is_global=True)),
    "429 of Cloudflare": _meeting(lambda _request: page(HTTPStatus.TOO_MANY_REQUESTS), 2),
    **{f"{status}": _refusing(status, 0, 1) for status in (500, 502, 503)},
    "502 of Cloudflare": _meeting(lambda _request: page(HTTPStatus.BAD_GATEWAY)),
    "504 of Cloudflare": _meeting(lambda _request: page(HTTPStatus.GATEWAY_TIMEOUT)),
    "reset before the message was stored": _meeting(reset, 2),
    "reset after the message was stored": _losing(None),
    "500 after the message was stored": _losing(HTTPStatus.INTERNAL_SERVER_ERROR),
    "503 after the message was stored": _losing(HTTPStatus.SERVICE_UNAVAILABLE),
}


async def test_every_trouble_with_a_post(sqlite_reminding: Reminding) -> None:
    """Whatever Discord answers to a post, each channel is told in the end, once, and none keeps another waiting."""
    account = sqlite_reminding.add_account()
    channels = {}
    for name, trouble in _TROUBLES.items():
        channels[name] = await sqlite_reminding.add_subscription()
        trouble(sqlite_reminding, channels[name])
    async with sqlite_reminding.run(**_FAST):
        for channel in channels.values():
            await sqlite_reminding.channels.message_in(channel)
        await sqlite_reminding.polls()
    told = {name: sqlite_reminding.times_told(channel, account) for name, channel in channels.items()}
    assert told == dict.fromkeys(_TROUBLES, 1)
    assert not [fault for fault in sqlite_reminding.discord.rest.faults if fault.times]


async def test_global_limit_longer_than_a_try(sqlite_reminding: Reminding) -> None:
    """A limit on all that the bot does, longer than it waits for one answer, holds nothing up for good."""
    account = sqlite_reminding.add_account()
    channels = [await sqlite_reminding.add_subscription() for _ in range(2)]
    sqlite_reminding.discord.rest.meet("POST", "/channels/", lambda _request: limited(1.0, is_global=True))
    async with sqlite_reminding.run(**_FAST):
        for channel in channels:
            await sqlite_reminding.channels.message_in(channel)
        await sqlite_reminding.polls()
    assert [sqlite_reminding.times_told(channel, account) for channel in channels] == [1, 1]


def _most_within(calls: list[Call], seconds: float) -> int:
    return max(sum(0 <= other.at - call.at < seconds for other in calls) for call in calls)


async def test_many_refusals(sqlite_reminding: Reminding) -> None:
    """When too many requests are refused the rest wait, long before Discord shuts the bot out; then all goes on."""
    most, within = 10, 1.0
    sqlite_reminding.add_account()
    dead = [await sqlite_reminding.add_subscription() for _ in range(3 * most)]
    working = await sqlite_reminding.add_subscription()
    rest = sqlite_reminding.discord.rest
    rest.fail("POST", f"/channels/({'|'.join(map(str, dead))})/", HTTPStatus.FORBIDDEN, code=50001)
    pace = f"MOST_REFUSED={most} REFUSED_WITHIN={within}"
    async with sqlite_reminding.run(PACE_TEST=pace, **_FAST) as bot:
        await bot.says(f"Discord refused {most} requests")
        await rest.request("POST", "/channels/", nth=2 * most)
        rest.faults.clear()
        for channel in (working, *dead):
            await sqlite_reminding.channels.message_in(channel)
    refused = rest.requests("POST", "/channels/")[: 2 * most]
    # Some are on their way while the last of those that count is answered.
    assert _most_within(refused, within) <= most + 5
    assert len(sqlite_reminding.channels.messages) == len(dead) + 1


async def test_token_revoked_while_running(sqlite_reminding: Reminding) -> None:
    """A token that Discord's REST interface takes no more ends the bot in words; with a new one nothing is lost."""
    account = sqlite_reminding.add_account()
    rest = sqlite_reminding.discord.rest
    settings = build_settings(sqlite_reminding.api_url, DATABASE_URL=sqlite_reminding.database_url)
    settings |= {"CHECK_INTERVAL_SECONDS": "1", "REMINDER_TEST_INTERVAL": "0.2"}
    async with run_bot(sqlite_reminding.discord_url, settings) as bot:
        await sqlite_reminding.discord.gateway.ready()
        rest.fail("POST", "/channels/", HTTPStatus.UNAUTHORIZED)
        rest.fail("GET", "/applications/@me", HTTPStatus.UNAUTHORIZED)
        channel = await sqlite_reminding.add_subscription()
        assert await bot.ended() == _REFUSED
    assert "Discord refused DISCORD_TOKEN" in bot.output
    assert "Traceback" not in bot.output
    rest.faults.clear()
    await sqlite_reminding.elapse(timedelta(minutes=6))
    await sqlite_reminding.run_through()
    assert sqlite_reminding.times_told(channel, account) == 1
