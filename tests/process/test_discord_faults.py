"""Discord's REST API fails in every way: the bot recovers by itself, and sends each message once."""

from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus

from tests.support.process.deployment import Deployment, shortened
from tests.support.wire.faults import limited, page
from tests.support.wire.rest import Respond, refuse, reset

# Two seconds between attempts become 10 ms, five minutes 1.5 s, and the two minutes of a nonce 0.6 s.
_FAST = shortened(0.005)
_REFUSED = 2

# The documented codes with which a channel refuses until somebody fixes it.
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
_TEMPORARY = [(400, 50035), (403, 50007), (403, 50278), (408, 0), (401, 0), (429, 20028), (429, 20029)]

Fault = Callable[[Deployment, int], None]


def _refusing(status: int, code: int, times: int) -> Fault:
    return _meeting(lambda _request: refuse(status, code), times)


def _meeting(respond: Respond, times: int = 1) -> Fault:
    def meet(deployment: Deployment, channel: int) -> None:
        deployment.discord.rest.meet("POST", f"/channels/{channel}/", respond, times=times)

    return meet


def _losing(status: int | None) -> Fault:
    return lambda deployment, channel: deployment.channels.lose_answer(channel, status)


_FAULTS: dict[str, Fault] = {
    "none": lambda _scene, _channel: None,
    **{f"{status} with code {code}, twice": _refusing(status, code, 2) for status, code in _LASTING},
    **{f"{status} with code {code}": _refusing(status, code, 1) for status, code in _TEMPORARY},
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


async def test_every_fault_of_a_post(sqlite_deployment: Deployment) -> None:
    """For every answer of Discord to a post, each channel gets its message once, and no channel holds up another."""
    account = sqlite_deployment.add_account()
    channels = {}
    for name, fault in _FAULTS.items():
        channels[name] = await sqlite_deployment.add_subscription()
        fault(sqlite_deployment, channels[name])
    async with sqlite_deployment.run(_FAST):
        for channel in channels.values():
            await sqlite_deployment.channels.message_in(channel)
        await sqlite_deployment.polls()
    sent = {name: sqlite_deployment.count_mentions(channel, account) for name, channel in channels.items()}
    assert sent == dict.fromkeys(_FAULTS, 1)
    assert not [fault for fault in sqlite_deployment.discord.rest.faults if fault.times]


async def test_global_limit_longer_than_an_attempt(sqlite_deployment: Deployment) -> None:
    """A global limit that lasts longer than the bot waits for an answer stops no message for good."""
    account = sqlite_deployment.add_account()
    channels = [await sqlite_deployment.add_subscription() for _ in range(2)]
    sqlite_deployment.discord.rest.meet("POST", "/channels/", lambda _request: limited(1.0, is_global=True))
    async with sqlite_deployment.run(_FAST):
        for channel in channels:
            await sqlite_deployment.channels.message_in(channel)
        await sqlite_deployment.polls()
    assert [sqlite_deployment.count_mentions(channel, account) for channel in channels] == [1, 1]


async def test_many_refusals(sqlite_deployment: Deployment) -> None:
    """After too many refusals the other requests wait; in the end every channel gets its message once."""
    most = 10
    sqlite_deployment.add_account()
    dead = [await sqlite_deployment.add_subscription() for _ in range(3 * most)]
    working = await sqlite_deployment.add_subscription()
    rest = sqlite_deployment.discord.rest
    rest.fail("POST", f"/channels/({'|'.join(map(str, dead))})/", HTTPStatus.FORBIDDEN, code=50001)
    async with sqlite_deployment.run(replace(_FAST, max_refusals=most, refusals_within=1.0)) as bot:
        await bot.says(f"Discord refused {most} requests")
        await rest.request("POST", "/channels/", nth=2 * most)
        rest.faults.clear()
        for channel in (working, *dead):
            await sqlite_deployment.channels.message_in(channel)
    assert len(sqlite_deployment.channels.messages) == len(dead) + 1


async def test_token_refused_while_running(sqlite_deployment: Deployment) -> None:
    """A token that Discord's REST API refuses for a while does not end the bot; it says so, and no reminder is lost."""
    account = sqlite_deployment.add_account()
    rest = sqlite_deployment.discord.rest
    timing = replace(_FAST, token_refused_after=0.2, token_checks_apart=0.1)
    async with sqlite_deployment.run(timing) as bot:
        await sqlite_deployment.discord.gateway.ready()
        rest.fail("POST", "/channels/", HTTPStatus.UNAUTHORIZED)
        rest.fail("GET", "/applications/@me", HTTPStatus.UNAUTHORIZED)
        channel = await sqlite_deployment.add_subscription()
        await bot.says("Discord refused DISCORD_TOKEN. Copy the whole token again")
        rest.faults.clear()
        await bot.says("Discord accepts DISCORD_TOKEN again")
        await sqlite_deployment.channels.message_in(channel)
        await sqlite_deployment.polls()
    assert sqlite_deployment.count_mentions(channel, account) == 1
