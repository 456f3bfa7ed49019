"""Jobs and credits as people see them: on the card, behind its button, in the status, in a reminder's terms."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from aiohttp import web

from bot.store.tables import subscriptions
from bot.useapi.client import CREDITS_PATH, JOBS_PATH
from bot.useapi.fake import USER_NUMBER, build_job
from tests.support.accounts import build_account, by_id
from tests.support.chat.answers import buttons_of, embed_of, fields_of, message_of, text_of
from tests.support.chat.limits import assert_fits
from tests.support.hostile import answering
from tests.support.world import OTHER_GUILD_ID, World, open_world

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
BUTTON = "Credits & jobs"


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """Run the bot for two accounts, with jobs and credits."""
    accounts = by_id(build_account("123456"), build_account("234567", "Sam Reed", days=20))
    async with open_world(accounts, watches_jobs=True) as opened:
        opened.api.credits = {"123456": {"totalCredits": 1240, "memberName": "Standard"}}
        yield opened


def run_jobs(world: World, *codes: int, account: str = "123456") -> None:
    """Let jobs of an account have ended, the last one twelve minutes ago, each an hour after the one before."""
    at = world.env.now() - 12 * MINUTE
    rows = [build_job(account, at - number * timedelta(hours=1), code) for number, code in enumerate(reversed(codes))]
    world.api.jobs = [*rows, *world.api.jobs]


async def test_the_card_shows_the_jobs_from_memory(world: World) -> None:
    """The last success and the count of a day are on the card once a poll has read them, without a further call."""
    run_jobs(world, *[201] * 19, 422, 201)
    assert "Jobs" not in fields_of(embed_of(await world.look_up("123456")))
    await world.poll_once()
    calls = len(world.api.calls)
    card = embed_of(await world.look_up("123456"))
    last = int((world.env.now() - 12 * MINUTE).timestamp())
    assert fields_of(card)["Jobs"] == f"Last success <t:{last}:R>, 20 of 21 succeeded in 24 hours"
    idle = embed_of(await world.look_up("234567"))
    assert fields_of(idle)["Jobs"] == "None in 24 hours, so only the expiry date is known"
    assert len(world.api.calls) == calls
    assert_fits(card)


async def test_the_card_of_a_failing_account_says_why(world: World) -> None:
    """Jobs that fail outweigh a date that is still far."""
    world.api.jobs = [build_job("123456", world.env.now() - number * MINUTE, 401) for number in range(3)]
    await world.poll_once()
    card = embed_of(await world.look_up("123456"))
    assert "**Its jobs fail:** MiniMax refuses the login. Renew the login." in (card.description or "")


async def test_lists_show_failing_jobs_as_a_failure(world: World) -> None:
    """The overview and a board put an account whose jobs fail above those that expire, with the sign of an error."""
    world.api.accounts["234567"] = build_account("234567", "Sam Reed", days=20)
    world.api.jobs = [build_job("234567", world.env.now() - number * MINUTE, 412) for number in range(3)]
    await world.manager.slash(world.channel, "minimax-board add")
    await world.poll_once()
    overview = embed_of(await world.manager.slash(world.channel, "minimax-overview"))
    board = next(message for message in world.channel.history() if message.embeds).embeds[0]
    for one in (overview, board):
        assert (one.description or "").splitlines()[0].startswith("⚠️ **Sam Reed** `234567` jobs fail")
        assert one.title == "1 of 2 accounts needs attention"


async def test_a_renewed_login_is_not_called_refused(world: World) -> None:
    """After a renewal without a reported issue, card, overview and *Credits & jobs* leave old jobs out."""
    world.api.jobs = [build_job("123456", world.env.now() - number * MINUTE, 401) for number in range(3)]
    await world.poll_once()
    world.api.accounts["123456"] = build_account(days=40)
    for name in ("iat", "iat_Issued"):
        world.api.accounts["123456"]["jwt"].pop(name, None)
    await world.poll_twice()
    card = message_of(await world.look_up("123456"))
    overview = embed_of(await world.manager.slash(world.channel, "minimax-overview"))
    answer = embed_of(await world.manager.click(card, label=BUTTON))
    assert "Its jobs fail" not in (card.embeds[0].description or "")
    assert "jobs fail" not in (overview.description or "")
    assert "newest ones fail" not in fields_of(answer)["Jobs of the last 24 hours"]


@pytest.mark.parametrize("is_restarted", [False, True])
async def test_failing_jobs_fail_until_one_succeeds(world: World, *, is_restarted: bool) -> None:
    """The card and the overview say the same as the reminder, hours after the last job and after a restart."""
    world.api.jobs = [build_job("123456", world.env.now() - number * MINUTE, 412) for number in range(3)]
    await world.poll_once()
    await world.env.advance_time(7200)
    if is_restarted:
        await world.restart()
    else:
        await world.poll_once()
    card = embed_of(await world.look_up("123456"))
    assert "**Its jobs fail:** it is out of credits." in (card.description or "")
    overview = embed_of(await world.manager.slash(world.channel, "minimax-overview"))
    assert "⚠️ **Jane Doe** `123456` jobs fail" in (overview.description or "")


async def test_the_button_answers_privately_with_one_call(world: World) -> None:
    """Credits, plan, what expires, and the jobs by outcome; a second press within five minutes makes no call."""
    expiring = [{"credit": 100, "endTime": (world.env.now() + DAY).timestamp() * 1000}]
    world.api.credits["123456"]["creditExpireText"] = expiring
    run_jobs(world, 201, 422, 429, 503, 400, 596, 412, 401, 201)
    await world.poll_once()
    card = message_of(await world.look_up("123456", share="yes"))
    calls = len(world.api.calls)
    result = await world.manager.click(card, label=BUTTON)
    assert message_of(result).flags.ephemeral
    fields = fields_of(embed_of(result))
    assert fields["Credits"] == "**1,240 credits**"
    assert fields["Plan"] == "Standard"
    moment = int((world.env.now() + DAY).timestamp())
    assert fields["Credits that expire"] == f"100 credits <t:{moment}:R> · <t:{moment}:f>"
    lines = fields["Jobs of the last 24 hours"].splitlines()
    assert "2 of 9 succeeded in 24 hours" in lines[0]
    assert len(lines) == 9
    assert "🔴 1 while the account was on hold (596)" in lines
    assert_fits(embed_of(result))
    again = await world.manager.click(card, label=BUTTON)
    assert fields_of(embed_of(again))["Credits"] == "**1,240 credits**"
    assert world.api.calls[calls:] == [f"{CREDITS_PATH}?account=123456"]


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "MiniMax may refuse the login"),
        (402, "subscription has ended"),
        (403, "doesn't offer this"),
        (404, "doesn't offer this"),
        (429, "is busy"),
        (596, "on hold at MiniMax"),
        (200, "doesn't offer this"),
    ],
)
async def test_credits_that_cannot_be_read_leave_the_jobs(world: World, status: int, words: str) -> None:
    """Whatever the call for the credits answers, the answer has words for it, and the jobs."""
    run_jobs(world, 201)
    await world.poll_once()
    card = message_of(await world.look_up("123456"))
    world.api.behave = answering(lambda: web.Response(status=status, text="<html>raw upstream text</html>"))
    fields = fields_of(embed_of(await world.manager.click(card, label=BUTTON)))
    assert words in fields["Credits"]
    assert "1 of 1 succeeded" in fields["Jobs of the last 24 hours"]
    assert "raw upstream" not in str(fields)


async def test_the_button_is_for_managers(world: World) -> None:
    """A member who sees a shared card learns nothing about credits, and causes no call."""
    card = message_of(await world.look_up("123456", share="yes"))
    result = await world.member.click(card, label=BUTTON)
    assert "Manage Server" in text_of(result)
    assert not [path for path in world.api.calls if path.startswith(CREDITS_PATH)]


async def test_what_useapi_does_not_offer_is_a_line_in_the_status(world: World) -> None:
    """A 404 is said once, with the time of the next attempt; everything works all the same."""

    async def lack_usage(request: web.Request) -> web.StreamResponse:
        if request.path in (JOBS_PATH, CREDITS_PATH):
            return web.Response(status=404)
        return await world.api.answer_as_documented(request)

    world.api.behave = lack_usage
    await world.poll_once()
    status = embed_of(await world.manager.slash(world.channel, "minimax-status"))
    again = int((world.env.now() + DAY).timestamp())
    (line,) = [one for one in fields_of(status)["Connections"].splitlines() if "offer" in one]
    assert line == f"⚪ useapi.net doesn't offer jobs (status 404); the bot asks again <t:{again}:R>"
    assert "problem" not in (status.title or "")


async def test_a_threshold_is_part_of_a_reminders_terms(world: World) -> None:
    """It is saved, kept when it is left out, and taken away with 0; the channel hears of low credits."""

    async def add(**options: object) -> str:
        return text_of(await world.manager.slash(world.channel, "minimax-reminders add", account="123456", **options))

    assert "below 2,000 credits" in await add(**{"credits-below": 2000})
    for _ in range(3):
        await world.poll_once()
    reminder = world.channel.history()[-1]
    assert (
        reminder.content
        == "🪙 **Jane Doe**: 1,240 credits left, below 2,000.\nAdd credits at MiniMax before jobs fail."
    )
    assert set(buttons_of(reminder)) == {"Details"}
    assert "below 2,000 credits" in await add(days="3")
    changed = await add(**{"credits-below": 0})
    assert "Was: below 2,000 credits" in changed
    listed = text_of(await world.manager.slash(world.channel, "minimax-reminders list"))
    assert "credits" not in listed


async def test_a_threshold_needs_the_setting() -> None:
    """If the operator does not let the bot read credits, nobody waits for news about them."""
    async with open_world(by_id(build_account("123456"))) as other:
        options = {"account": "123456", "credits-below": 100}
        result = await other.manager.slash(other.channel, "minimax-reminders add", **options)
        assert "This bot doesn't read credits" in text_of(result)


async def test_nothing_of_a_job_id_is_shown(world: World) -> None:
    """Neither cards, answers, reminders nor the status hold a user's number, even where names and plans repeat it."""
    identity = str(build_job("123456", world.env.now())["jobid"])
    world.api.accounts["123456"] = build_account("123456", f"Jane {identity}", error=f"job {identity} failed")
    world.api.credits["123456"] = {"totalCredits": 5, "memberName": identity, "expireText": f"user:{USER_NUMBER}"}
    world.api.jobs = [build_job("123456", world.env.now() - number * MINUTE, 401) for number in range(3)]
    await world.manager.slash(world.channel, "minimax-reminders add", account="all", **{"credits-below": 100})
    for _ in range(3):
        await world.poll_once()
        await world.env.advance_time(60)
    card = await world.look_up("123456")
    shown = [
        card,
        await world.manager.click(message_of(card), label=BUTTON),
        await world.manager.slash(world.channel, "minimax-status"),
        await world.manager.slash(world.channel, "minimax-overview"),
    ]
    texts = [json.dumps(embed_of(one).to_dict()) for one in shown]
    texts += [message.content + str([one.to_dict() for one in message.embeds]) for message in world.channel.history()]
    assert len(texts) > len(shown)
    assert not [text for text in texts if str(USER_NUMBER) in text]


async def test_the_status_counts_by_the_servers_own_thresholds(world: World) -> None:
    """Credits are low for the server whose reminder names the threshold, and for no other one."""

    async def accounts_in_status() -> str:
        return fields_of(embed_of(await world.manager.slash(world.channel, "minimax-status")))["Accounts"]

    options = {"account": "123456", "credits-below": 2000}
    await world.manager.slash(world.channel, "minimax-reminders add", **options)
    for _ in range(3):
        await world.poll_once()
    assert "🟡 1 is low on credits" in await accounts_in_status()
    async with world.database.begin() as tx:
        await tx.execute(subscriptions.update().values(guild_id=OTHER_GUILD_ID))
    assert "low on credits" not in await accounts_in_status()


async def test_a_change_of_a_failing_accounts_reminder(world: World) -> None:
    """The answer does not call a login expired whose jobs fail before its date."""
    world.api.jobs = [build_job("123456", world.env.now() - number * MINUTE, 412) for number in range(3)]
    await world.manager.slash(world.channel, "minimax-reminders add", account="123456")
    for _ in range(2):
        await world.poll_once()
    changed = text_of(await world.manager.slash(world.channel, "minimax-reminders add", account="123456", days="3"))
    assert changed.endswith("MiniMax jobs fail, which was sent; the next reminder comes after that.")
