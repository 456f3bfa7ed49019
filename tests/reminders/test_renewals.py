"""What the bot does while somebody renews a login: it reads often, says so when it has worked, and when it has not."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web

from bot.core.telemetry import PollOutcome
from tests.support.databases import lay_sqlite
from tests.support.engine.channels import Version
from tests.support.engine.kit import INTERVAL
from tests.support.engine.story import ACCOUNT, BYSTANDER, CHANNEL, Story

MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)
IN_TIME = 45 * SECOND
PERSON = 5
WRONG = "900"


@pytest.fixture
async def story(tmp_path: Path) -> AsyncIterator[Story]:
    """A reminder of an account that expires in five days, sent half an hour ago."""
    story = Story(await lay_sqlite(tmp_path))
    await story.begin(5)
    try:
        yield story
        assert not story.kit.errors.messages
    finally:
        await story.kit.close()


def versions(story: Story) -> list[Version]:
    """Return what the messages of the channel have said, oldest first."""
    return story.kit.channels.by_id[CHANNEL].versions


def text_of(version: Version) -> str:
    """Return the words of a message and its card."""
    return "\n".join([version.message.content, *(str(embed.get("description")) for embed in version.message.embeds)])


def shown(story: Story) -> list[str]:
    """Return what each message of the channel says now."""
    return list({version.post.nonce: text_of(version) for version in versions(story)}.values())


async def press(story: Story, account_id: str = ACCOUNT) -> None:
    """Let somebody press *I'm on it*."""
    await story.kit.assign(CHANNEL, account_id, PERSON)


def renew_in(story: Story, wait: timedelta) -> datetime:
    """Let the login be renewed after so long; returns when."""
    at = story.kit.clock.true + wait

    async def renew() -> None:
        story.log_in(30)

    story.kit.plan(at, renew)
    return at


def appear_in(story: Story, wait: timedelta, *account_ids: str) -> None:
    """Let the API list further accounts after so long."""

    async def appear() -> None:
        for account_id in account_ids:
            story.kit.show(account_id, story.kit.clock.true + timedelta(days=30), None, error=False)

    story.kit.plan(story.kit.clock.true + wait, appear)


def calls_of(story: Story) -> int:
    """Return how many calls the API has got."""
    return len(story.kit.api.calls)


async def calls_in(story: Story, passed: timedelta) -> int:
    """Let the bot poll for so long; returns how many calls it made."""
    before = calls_of(story)
    await story.kit.live(passed)
    return calls_of(story) - before


@pytest.mark.parametrize("seconds", [301, 311, 329])
async def test_a_renewal_is_green_in_time(story: Story, seconds: int) -> None:
    """With an interval of half an hour, at whatever moment the login is renewed, and the person is thanked."""
    await press(story)
    renewed_at = renew_in(story, seconds * SECOND)
    await story.kit.live(7 * MINUTE)
    green = [version for version in versions(story) if version.is_good_news(ACCOUNT)]
    assert renewed_at < green[0].at <= renewed_at + IN_TIME
    _, news = shown(story)
    assert news.endswith(f" Thanks, <@{PERSON}>!")
    assert story.mentioned == ()


@pytest.mark.parametrize("seconds", [-20, 1, 25, 35])
async def test_killed_in_between(story: Story, seconds: int) -> None:
    """A bot that is killed around the renewal, or between two readings, and starts again at once, is in time too."""
    await press(story)
    renewed_at = renew_in(story, 5 * MINUTE)
    await story.kit.live(5 * MINUTE + seconds * SECOND)
    await story.kit.die()
    await story.kit.live(2 * MINUTE)
    green = [version for version in versions(story) if version.is_good_news(ACCOUNT)]
    assert renewed_at < green[0].at <= renewed_at + IN_TIME
    assert len(shown(story)) == 2


async def test_reads_are_close_for_20_minutes(story: Story) -> None:
    """Every 30 seconds one call, whatever the number of people and accounts; after 20 minutes as before."""
    await story.add_reminder()
    await press(story)
    alone = await calls_in(story, 25 * MINUTE)
    assert 39 <= alone <= 41
    assert await calls_in(story, 2 * INTERVAL) == 2
    await press(story, BYSTANDER)
    await story.kit.assign(12, ACCOUNT, PERSON + 1)
    await press(story)
    assert await calls_in(story, 25 * MINUTE) == alone
    assert all(outcome is PollOutcome.COMPLETED for _, outcome in story.kit.polls.ended)


async def test_a_renewal_ends_them(story: Story) -> None:
    """Once the login is renewed, the accounts are read as before."""
    await press(story)
    renew_in(story, 2 * MINUTE)
    await story.kit.live(3 * MINUTE)
    assert await calls_in(story, 15 * MINUTE) <= 1


async def test_handed_back(story: Story) -> None:
    """A login that nobody renews any more is read as before."""
    await press(story)
    await story.kit.live(MINUTE)
    await story.hand_back(PERSON)
    assert await calls_in(story, 15 * MINUTE) <= 1


async def test_polls_keep_their_times(story: Story) -> None:
    """Close polls neither delay polls nor count as such, also while the API refuses or asks for a pause."""
    kit = story.kit
    await kit.live(2 * INTERVAL + MINUTE)
    regular = [at for at, _ in kit.polls.ended]

    async def refuse(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=429, headers={"Retry-After": "60"})

    async def begin_to_refuse() -> None:
        kit.api.behave = refuse

    await press(story)
    kit.plan(kit.clock.true + 5 * MINUTE, begin_to_refuse)
    began = kit.clock.true
    calls = await calls_in(story, 2 * INTERVAL)
    ended = [at - began for at, _ in kit.polls.ended[len(regular) :]]
    assert ended == pytest.approx([timedelta(0), INTERVAL], abs=MINUTE)
    # Ten in five minutes, then ever fewer, and the polls.
    assert calls <= 10 + 5 + 2


async def test_a_slow_api_is_asked_less(story: Story) -> None:
    """An answer that takes four seconds is asked for every 40 seconds."""
    kit = story.kit

    async def dawdle(_request: web.Request) -> web.StreamResponse:
        kit.clock.true += 4 * SECOND
        return web.json_response(kit.api.accounts)

    kit.api.behave = dawdle
    await press(story)
    assert 27 <= await calls_in(story, 20 * MINUTE) <= 31


async def test_a_week_costs_little(tmp_path: Path) -> None:
    """Five renewals a week, of five minutes each, add at most a twentieth to the calls of the default interval."""
    story = Story(await lay_sqlite(tmp_path))
    story.kit.interval = 5 * MINUTE
    await story.begin(5)
    hour = timedelta(hours=1)
    await story.kit.live(MINUTE)
    usual = await calls_in(story, hour)
    await press(story)
    renew_in(story, 5 * MINUTE)
    added = await calls_in(story, hour) - usual
    await story.kit.close()
    assert usual >= hour / (5 * MINUTE)
    assert 5 * added <= 0.05 * usual * timedelta(days=7) / hour


async def test_nothing_else_is_believed_sooner(story: Story) -> None:
    """While somebody renews, another account's expiry or error that passes within 40 seconds is not announced."""
    kit = story.kit
    story.kit.show(BYSTANDER, kit.clock.true + timedelta(days=20), None, error=False)
    await kit.live(INTERVAL)
    before = len(versions(story))

    async def fail() -> None:
        kit.show(BYSTANDER, kit.clock.true + timedelta(days=2), None, error=True)
        # A reading that is recorded: the awaited account changes as well.
        story.log_in(5.001)

    async def recover() -> None:
        kit.show(BYSTANDER, kit.clock.true + timedelta(days=20), None, error=False)

    await press(story)
    kit.plan(kit.clock.true + 5 * MINUTE, fail)
    kit.plan(kit.clock.true + 5 * MINUTE + 40 * SECOND, recover)
    await kit.live(20 * MINUTE)
    assert not [one for one in versions(story)[before:] if f"`{BYSTANDER}`" in text_of(one)]


def says_wrong(story: Story) -> list[str]:
    """Return the messages that say that another account has appeared."""
    return [text for text in shown(story) if "appeared" in text]


async def test_a_wrong_google_account(story: Story) -> None:
    """The reminder says once that a new account has appeared instead, also after a kill; a later one does not."""
    await press(story)
    appear_in(story, 4 * MINUTE, WRONG)
    await story.kit.live(4 * MINUTE + 35 * SECOND)
    line = f"⚠️ A new account `{WRONG}` appeared, but `{ACCOUNT}` is unchanged. Was that the right Google account?"
    assert [text.count(line) for text in says_wrong(story)] == [1]
    await story.kit.die()
    await story.run(days=3)
    assert len(shown(story)) > 1
    assert len(says_wrong(story)) <= 1


async def test_the_right_one_in_the_end(story: Story) -> None:
    """After the renewal of the right account nothing is said of the wrong one any more."""
    await press(story)
    appear_in(story, 4 * MINUTE, WRONG)
    await story.kit.live(5 * MINUTE)
    assert says_wrong(story)
    renew_in(story, MINUTE)
    await story.kit.live(2 * MINUTE)
    assert not says_wrong(story)
    assert shown(story)[-1].endswith(f" Thanks, <@{PERSON}>!")


@pytest.mark.parametrize("is_assigned", [True, False])
async def test_new_accounts_at_other_times(story: Story, *, is_assigned: bool) -> None:
    """An account that appears when nobody is renewing, or after the 20 minutes, is no wrong one."""
    if is_assigned:
        await press(story)
    appear_in(story, 21 * MINUTE, WRONG)
    await story.kit.live(2 * INTERVAL)
    assert not says_wrong(story)


async def test_an_error_that_a_renewal_ends(story: Story) -> None:
    """The person who was on it is thanked by the message about the error, too."""
    story.log_in(5, error=True)
    await story.kit.live(2 * MINUTE)
    await story.kit.live(INTERVAL)
    await press(story)
    renew_in(story, 2 * MINUTE)
    await story.kit.live(4 * MINUTE)
    assert any(text.startswith("✅") and text.endswith(f"Thanks, <@{PERSON}>!") for text in shown(story))
