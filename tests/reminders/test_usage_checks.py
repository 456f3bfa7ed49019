"""Stories about jobs and credits: a channel hears of them once, and no reminder waits for them."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import web

from bot.core.notifications import Kind
from bot.core.timing import DEFAULT_TIMING
from bot.store.heard import schedule_last_edits
from bot.useapi.client import ACCOUNTS_PATH, CREDITS_PATH, JOBS_PATH
from bot.useapi.fake import build_job
from tests.support.databases import lay_sqlite
from tests.support.engine.story import ACCOUNT, BYSTANDER, CHANNEL, ROLE, Story
from tests.support.oracle.court import news_of

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


class UsageStory(Story):
    """A story in which accounts have jobs and credits."""

    def __init__(self, url: str) -> None:
        super().__init__(url, watches_jobs=True)

    def run_job(self, code: int, account: str = ACCOUNT) -> None:
        """Let a job of an account end."""
        self.kit.clock.true += MINUTE
        self.kit.api.jobs.insert(0, build_job(account, self.kit.clock.true, code))

    def run_jobs(self, *codes: int, account: str = ACCOUNT) -> None:
        """Let jobs of an account end one after the other."""
        for code in codes:
            self.run_job(code, account)

    def own(self, total: int | None) -> None:
        """Let the account have so many credits, None for an answer without a number."""
        answer = {"memberName": "Free"} | ({} if total is None else {"totalCredits": total})
        self.kit.api.credits = {ACCOUNT: answer, BYSTANDER: {"totalCredits": 10_000}}

    async def poll_after(self, wait: timedelta) -> list[str]:
        """Run a poll after a wait; returns what the channel heard in it."""
        self.kit.clock.true += wait
        return await self.poll()

    async def read_credits_after(self, wait: timedelta) -> list[str]:
        """Let time pass, and then as many polls as the credits of both accounts take; returns what the channel heard.

        The first one finds out which credits are due.
        """
        heard = await self.poll_after(wait)
        for _ in range(3):
            heard += await self.poll()
        return heard

    @property
    def text(self) -> str:
        """Return what the last message says now."""
        channel = self.kit.channels.by_id[CHANNEL]
        return [one for one in channel.versions if one.post is channel.posts[-1]][-1].message.content

    def count(self, path: str) -> int:
        """Return how many calls there were for a path."""
        return sum(call.partition("?")[0] == path for call in self.kit.api.calls)


@pytest.fixture
async def story(tmp_path: Path) -> AsyncIterator[UsageStory]:
    """A story that has not begun."""
    story = UsageStory(await lay_sqlite(tmp_path))
    yield story
    await story.kit.close()


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (401, "MiniMax refuses the login"),
        (403, "MiniMax refuses the login"),
        (412, "it is out of credits"),
        (596, "it is on hold at MiniMax"),
    ],
)
async def test_a_login_that_is_revoked_before_its_date(story: UsageStory, code: int, words: str) -> None:
    """The channel hears of it in the poll after the third failed job, once, with the reason, and when it is over."""
    assert await story.begin(20) == []
    story.run_jobs(201, code, code)
    assert await story.poll_after(5 * MINUTE) == []
    story.run_job(code)
    assert await story.poll_after(5 * MINUTE) == ["failing"]
    assert f"its MiniMax jobs fail, as {words}." in story.text
    assert story.mentioned == (ROLE,)
    for _ in range(5):
        story.run_jobs(code, 429)
        assert await story.poll_after(HOUR) == []
    story.run_job(201)
    assert await story.poll_after(5 * MINUTE) == []
    assert story.text.startswith("✅")
    assert "no longer failing" in story.text


async def test_failing_jobs_are_followed_up_like_an_expiry(story: UsageStory) -> None:
    """Silence of the account ends nothing: follow-ups come until a job succeeds."""
    await story.begin(20)
    story.run_jobs(401, 401, 401)
    assert await story.poll_after(5 * MINUTE) == ["failing"]
    assert await story.run(days=3.2) == ["failing, follow-up 1", "failing, follow-up 3"]
    story.run_job(201)
    assert await story.run(days=1) == []


async def test_jobs_that_fail_again_within_a_day_are_one_failure(story: UsageStory) -> None:
    """Jobs that succeed and fail in turns are announced once in 24 good hours."""
    await story.begin(20)
    for hours, heard in [(1, ["failing"]), (6, []), (12, []), (26, ["failing"])]:
        story.run_job(201)
        assert await story.poll_after(5 * MINUTE) == []
        story.kit.clock.true += timedelta(hours=hours)
        await story.poll()
        story.run_jobs(401, 401, 401)
        assert await story.poll_after(5 * MINUTE) == heard


async def test_an_error_and_failing_jobs_are_one_message(story: UsageStory) -> None:
    """An error that follows failing jobs is no news; the message folds once a follow-up has the other reason."""
    await story.begin(20)
    story.run_jobs(401, 401, 401)
    assert await story.poll_after(5 * MINUTE) == ["failing"]
    story.log_in(20, error=True)
    assert await story.run(days=1.5) == ["error, follow-up 1"]
    assert story.signs[0] == "⚠"


@pytest.mark.parametrize("life", [30, None])
@pytest.mark.parametrize("restarting", [True, False])
async def test_a_renewed_login_has_not_been_refused(story: UsageStory, life: float | None, *, restarting: bool) -> None:
    """A renewal ends the failure without a job, also if the issue of a login is not reported; its own jobs count."""
    await story.begin(20)
    story.run_jobs(401, 401, 401)
    assert await story.poll_after(5 * MINUTE) == ["failing"]
    story.log_in(30, life=life)
    assert await story.run() == []
    assert await story.poll_after(6 * MINUTE) == []
    assert story.text.startswith("✅")
    if restarting:
        await story.kit.die()
    story.run_jobs(401, 401)
    assert await story.poll_after(5 * MINUTE) == []
    story.run_job(401)
    await story.poll_after(5 * MINUTE)
    assert not story.text.startswith("✅")


async def test_a_refused_login_that_somebody_renews(story: UsageStory) -> None:
    """The message turns green within 45 seconds of the renewal and thanks the person, not before it is confirmed."""
    await story.begin(20)
    story.run_jobs(401, 401, 401)
    assert await story.poll_after(5 * MINUTE) == ["failing"]
    await story.kit.assign(CHANNEL, ACCOUNT, 5)
    # The jobs were read less than five minutes ago then.
    renewed_at = story.kit.clock.true + 2 * MINUTE

    async def renew() -> None:
        story.log_in(30)

    story.kit.plan(renewed_at, renew)
    await story.kit.live(4 * MINUTE)
    _, assigned, green = story.kit.channels.by_id[CHANNEL].versions
    assert "🙋 <@5> is on it" in assigned.message.content
    assert green.message.content.startswith("✅")
    assert green.message.content.endswith(" Thanks, <@5>!")
    assert renewed_at < green.at <= renewed_at + timedelta(seconds=45)


@pytest.mark.parametrize("code", [412, 596])
async def test_a_failure_that_no_renewal_ends(story: UsageStory, code: int) -> None:
    """On an account on hold, or out of credits, nothing is read often, and no account is a wrong one."""
    await story.begin(20)
    story.run_jobs(code, code, code)
    assert await story.poll_after(5 * MINUTE) == ["failing"]
    await story.kit.assign(CHANNEL, ACCOUNT, 5)
    calls = story.count(ACCOUNTS_PATH)
    await story.kit.live(10 * MINUTE)
    # A poll at the start, and none of those that are 30 seconds apart.
    assert story.count(ACCOUNTS_PATH) <= calls + 1
    story.kit.show("900", story.kit.clock.true + timedelta(days=30), None, error=False)
    async with story.kit.database.begin() as tx:
        await schedule_last_edits(tx, {ACCOUNT}, story.kit.clock.now())
    await story.poll_after(MINUTE)
    versions = story.kit.channels.by_id[CHANNEL].versions
    assert "🙋 <@5> is on it" in versions[-1].message.content
    assert not any("appeared" in one.message.content for one in versions)


async def test_server_errors_of_all_accounts_are_one_message(story: UsageStory) -> None:
    """If the jobs of all accounts get server errors, the channel hears that once, and not of any account."""
    await story.begin(20)
    story.run_jobs(502, 503, 504)
    assert await story.poll_after(5 * MINUTE) == []
    story.run_jobs(502, 503, 504, account=BYSTANDER)
    assert await story.poll_after(5 * MINUTE) == ["failing"]
    assert "The jobs of all your MiniMax accounts get server errors" in story.text
    assert story.kit.channels.by_id[CHANNEL].posts[-1].heard[0].account_id is None
    assert await story.poll_after(5 * MINUTE) == []
    story.run_job(201, BYSTANDER)
    assert await story.poll_after(5 * MINUTE) == []
    assert story.text.startswith("✅")


async def test_ordinary_failures_are_not_announced(story: UsageStory) -> None:
    """Moderation, load and a few server errors are part of the work."""
    await story.begin(20)
    for codes in [(422,) * 9, (429,) * 9, (500, 503, 599), (401, 401, 201), (400, 404, 404)]:
        story.run_jobs(*codes)
        assert await story.poll_after(5 * MINUTE) == []


async def test_the_jobs_are_read_every_five_minutes_at_most(story: UsageStory) -> None:
    """Polls that follow each other closely share one reading of the jobs."""
    await story.begin(20)
    before = story.count(JOBS_PATH)
    for _ in range(12):
        await story.poll_after(timedelta(seconds=100))
    assert story.count(JOBS_PATH) - before == 4
    assert story.count(CREDITS_PATH) == 0


async def test_no_reminder_waits_for_the_jobs(story: UsageStory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reminders are sent while the call for the jobs hangs; the jobs are recorded by the poll after they arrive."""
    story.kit.timing = replace(DEFAULT_TIMING, usage_wait=0.01)
    released = asyncio.Event()

    async def hang(request: web.Request) -> web.StreamResponse:
        if request.path == ACCOUNTS_PATH:
            return web.json_response(story.kit.api.accounts)
        await released.wait()
        return await story.kit.api.answer_as_documented(request)

    monkeypatch.setattr(story.kit.api, "behave", hang)
    assert await story.begin(13) == ["stage 14"]
    story.run_jobs(596, 596, 596, account=BYSTANDER)
    assert await story.poll_after(5 * MINUTE) == []
    released.set()
    async with asyncio.timeout(10):
        while not (heard := await story.poll()):
            pass
    assert heard == ["failing"]
    assert story.count(JOBS_PATH) == 1


@pytest.mark.parametrize("status", [596, 404, 200])
async def test_failures_of_the_calls_change_nothing(
    story: UsageStory, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    """What useapi.net does not answer neither begins nor ends an incident, and reminders go on."""
    await story.begin(20)
    story.run_jobs(401, 401, 401)
    assert await story.poll_after(5 * MINUTE) == ["failing"]

    async def fail(request: web.Request) -> web.StreamResponse:
        if request.path == ACCOUNTS_PATH:
            return web.json_response(story.kit.api.accounts)
        return web.Response(status=status, text="<html>")

    with monkeypatch.context() as patch:
        patch.setattr(story.kit.api, "behave", fail)
        story.run_job(201)
        before = story.count(JOBS_PATH)
        for _ in range(4):
            assert await story.poll_after(5 * MINUTE) == []
        # What is not offered is switched off.
        assert story.count(JOBS_PATH) - before == (4 if status == 596 else 1)
    assert story.text.startswith("⚠️")
    story.run_job(201)
    # The follow-up is due before the success is known.
    assert await story.poll_after(25 * HOUR) == ["failing, follow-up 1"]
    assert story.text.startswith("✅")


async def test_low_credits_are_announced_once_a_crossing(story: UsageStory) -> None:
    """Below the threshold once, green above it, again only after a day above it; unknown credits change nothing."""
    story.own(500)
    await story.begin(60, life=90)
    await story.kit.subscribe(CHANNEL, None, (14, 7, 3, 1), ROLE, credits_below=100)
    assert await story.read_credits_after(MINUTE) == []
    story.own(80)
    assert await story.read_credits_after(6 * HOUR) == ["low_credits"]
    assert "80 credits left, below 100." in story.text
    story.own(70)
    assert await story.read_credits_after(7 * HOUR) == []
    story.own(None)
    assert await story.read_credits_after(7 * HOUR) == []
    assert story.text.startswith("🪙")
    story.own(100)
    assert await story.read_credits_after(7 * HOUR) == []
    assert "enough credits again" in story.text
    story.own(99)
    assert await story.read_credits_after(7 * HOUR) == []
    story.own(300)
    assert await story.read_credits_after(7 * HOUR) == []
    assert await story.read_credits_after(25 * HOUR) == []
    story.own(10)
    assert await story.read_credits_after(7 * HOUR) == ["low_credits"]


async def test_each_channel_has_its_own_threshold(story: UsageStory) -> None:
    """A threshold that is changed later is crossed anew; without one nothing is read."""
    story.own(80)
    await story.begin(20)
    assert await story.read_credits_after(7 * HOUR) == []
    assert story.count(CREDITS_PATH) == 0
    await story.kit.subscribe(CHANNEL, ACCOUNT, (14,), ROLE, credits_below=100)
    assert await story.read_credits_after(HOUR) == ["low_credits"]
    await story.kit.subscribe(CHANNEL, ACCOUNT, (14,), ROLE, credits_below=50)
    assert await story.read_credits_after(7 * HOUR) == []
    story.own(40)
    assert await story.read_credits_after(7 * HOUR) == ["low_credits"]


async def test_low_credits_outlast_a_change_of_the_reminder(story: UsageStory) -> None:
    """Another threshold, a pause or a deletion turns no message green; a reading above the old threshold does."""
    story.own(80)
    await story.begin(60, life=90)
    await story.kit.subscribe(CHANNEL, None, (14, 7, 3, 1), ROLE, credits_below=100)
    assert await story.read_credits_after(HOUR) == ["low_credits"]

    async def edited() -> str:
        async with story.kit.database.begin() as tx:
            await schedule_last_edits(tx, [ACCOUNT], story.kit.clock.now())
        assert await story.poll() == []
        return story.text

    await story.kit.pause(CHANNEL)
    assert (await edited()).startswith("🪙 `1`: 80 credits left, below 100.")
    await story.kit.unsubscribe(CHANNEL)
    assert (await edited()).startswith("🪙 `1`: 80 credits left, below 100.")
    await story.kit.subscribe(CHANNEL, None, (14, 7, 3, 1), ROLE, credits_below=70)
    assert (await edited()).startswith("🪙 `1`: 80 credits left, below 100.")
    assert await story.read_credits_after(HOUR) == []
    story.own(110)
    assert await story.read_credits_after(7 * HOUR) == []
    assert "enough credits again" in story.text


async def test_low_credits_leave_the_news_of_a_renewal(story: UsageStory) -> None:
    """A message about credits is about something else: the renewal before it stays, with the thanks."""
    story.own(500)
    await story.begin(5)
    await story.kit.subscribe(CHANNEL, None, (14, 7, 3, 1), ROLE, credits_below=100)
    await story.read_credits_after(MINUTE)
    await story.kit.assign(CHANNEL, ACCOUNT, 5)
    story.log_in(30)
    assert await story.run() == ["renewed"]
    news = story.text
    assert news.endswith("Thanks, <@5>!")
    story.own(80)
    assert await story.read_credits_after(7 * HOUR) == ["low_credits"]
    posts = story.kit.channels.by_id[CHANNEL].versions
    shown = {one.post.nonce: one.message.content for one in posts}
    assert news in shown.values()


async def test_old_credits_are_read_again_before_they_are_announced(story: UsageStory) -> None:
    """A threshold that comes back after days says nothing of the credits of then."""
    story.own(80)
    await story.begin(60, life=90)
    await story.kit.subscribe(CHANNEL, None, (14, 7, 3, 1), ROLE, credits_below=100)
    assert await story.read_credits_after(HOUR) == ["low_credits"]
    await story.kit.unsubscribe(CHANNEL)
    story.own(5_000)
    assert await story.run(days=3) == []
    await story.kit.subscribe(CHANNEL, None, (14, 7, 3, 1), ROLE, credits_below=100)
    assert await story.read_credits_after(HOUR) == []


async def test_credits_are_read_every_six_hours_one_after_the_other(story: UsageStory) -> None:
    """The accounts that a threshold covers are read once in six hours, never all in one poll."""
    story.own(500)
    await story.begin(20)
    for number in range(3, 13):
        story.kit.show(str(number), None, None, error=False)
        story.kit.api.credits[str(number)] = {"totalCredits": 500}
    await story.kit.subscribe(CHANNEL, None, (14,), ROLE, credits_below=100)
    counts = []
    for _ in range(13):
        before = story.count(CREDITS_PATH)
        await story.poll_after(story.kit.interval)
        counts.append(story.count(CREDITS_PATH) - before)
    assert counts == [0, *[1] * 12]


async def test_accounts_without_an_answer_keep_no_other_waiting(story: UsageStory) -> None:
    """Credits that can't be read are tried again after those of all other accounts."""
    await story.begin(20)
    for number in range(3, 10):
        story.kit.show(str(number), None, None, error=False)
        story.kit.api.credits[str(number)] = {"totalCredits": 500}
    await story.kit.subscribe(CHANNEL, None, (14,), ROLE, credits_below=100)
    for _ in range(10):
        await story.poll_after(story.kit.interval)
    asked = {call.partition("=")[2] for call in story.kit.api.calls if call.startswith(CREDITS_PATH)}
    assert asked == {str(number) for number in range(1, 10)}


async def test_a_restart_forgets_neither_failing_jobs_nor_low_credits(story: UsageStory) -> None:
    """After a restart the same failure is not announced again, and keeps its reason."""
    story.own(80)
    await story.begin(20)
    await story.kit.subscribe(CHANNEL, None, (14, 7, 3, 1), ROLE, credits_below=100)
    story.run_jobs(412, 412, 412, account=BYSTANDER)
    heard = await story.read_credits_after(5 * MINUTE)
    assert sorted(heard) == ["failing", "low_credits"]
    await story.turn_off(0.1)
    story.run_jobs(412, 412, 412, account=BYSTANDER)
    assert await story.read_credits_after(7 * HOUR) == []
    kinds = {one.kind: news_of(one) for one in story.kit.channels.by_id[CHANNEL].heard}
    assert kinds.keys() == {Kind.FAILING, Kind.LOW_CREDITS}
