"""Stories in which the bot did not see what happened, or saw what did not: a channel hears what is true now, once."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.databases import lay_sqlite
from tests.support.engine.story import ACCOUNT, CHANNEL, ROLE, Story

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
GREEN, RED = "\N{WHITE HEAVY CHECK MARK}", "\N{LARGE RED CIRCLE}"


@pytest.fixture
async def story(tmp_path: Path) -> AsyncIterator[Story]:
    """A story that has not begun."""
    story = Story(await lay_sqlite(tmp_path))
    yield story
    await story.kit.close()


async def test_renewed_and_expired_again_while_the_bot_was_off(story: Story) -> None:
    """The channel hears that the login has expired, although the one it had heard of was another."""
    assert await story.begin(0.5) == ["stage 1"]
    assert await story.run(days=1) == ["expired"]
    story.log_in(29)
    await story.turn_off(29.2)
    assert await story.run() == ["expired"]
    assert story.mentioned == (ROLE,)


async def test_renewed_with_a_login_that_is_over(story: Story) -> None:
    """The channel hears of another login that has expired; that is no renewal."""
    assert await story.begin(0.5) == ["stage 1"]
    assert await story.run(days=4) == ["expired", "stage, follow-up 1", "stage, follow-up 3"]
    story.log_in(-0.5)
    assert await story.run() == ["expired"]
    assert story.mentioned == (ROLE,)


async def test_the_next_login_is_where_the_last_one_was_before_the_bot_was_off(story: Story) -> None:
    """The channel hears the same lead time again, since it is another login."""
    assert await story.begin(6.5) == ["stage 7"]
    await story.turn_off(25)
    story.log_in(6.5)
    assert await story.run() == ["stage 7"]


async def test_a_login_of_unknown_age_within_its_only_lead_time(story: Story) -> None:
    """The channel hears of it at once: a login of unknown life uses all lead times."""
    assert await story.begin(5, 7, life=None) == ["stage 7"]


@pytest.mark.parametrize("days", [30, 2, -1])
async def test_an_odd_reading(story: Story, days: float) -> None:
    """One reading with another expiry is no renewal, no stage and no expiry, whatever it shows."""
    assert await story.begin(6) == ["stage 7"]
    own = story.log_in(6)
    story.log_in(days)
    assert await story.poll() == []
    story.show(own)
    assert await story.run(days=1) == []


async def test_a_renewal_that_two_readings_agree_on(story: Story) -> None:
    """The second reading follows within a minute, and then the channel hears of the renewal; nobody is mentioned."""
    assert await story.begin(6) == ["stage 7"]
    story.log_in(30)
    assert await story.poll() == []
    assert await story.kit.next_poll_at() <= story.kit.clock.true + MINUTE
    story.kit.clock.true += MINUTE
    assert await story.poll() == ["renewed"]
    assert story.mentioned == ()


async def test_a_login_that_rolls(story: Story) -> None:
    """An expiry that the API moves every few hours, about a day away, is one reminder and no renewal."""
    heard = await story.begin(1.3)
    for hours in range(30):
        story.log_in(0.9 + hours % 3 / 10)
        heard += await story.run(minutes=240)
    assert heard == ["stage 3", "stage 1"]


async def test_an_account_that_every_second_list_lacks(story: Story) -> None:
    """It is not missing, and its reminders come as always."""
    heard = await story.begin(6)
    own = story.log_in(6)
    for number in range(40):
        if number % 2:
            story.show(own)
        else:
            story.vanish()
        heard += await story.poll()
        story.kit.clock.true += 2 * HOUR
    assert heard == ["stage 7", "stage 3"]


async def test_an_expiry_that_is_no_longer_given(story: Story) -> None:
    """The channel hears so once; the stages go on from the last known date."""
    assert await story.begin(10) == ["stage 14"]
    story.log_in(None)
    assert await story.run(minutes=40) + await story.run(minutes=40) == ["undated"]
    heard = await story.run(days=12)
    assert heard == ["stage 7", "stage 3", "stage 1", "expired", "stage, follow-up 1"]


async def test_a_channel_that_refused_for_eight_days(story: Story) -> None:
    """It hears once that the login has expired, however long ago, when it works again."""
    assert await story.begin(0.5) == ["stage 1"]
    story.refuse(does_refuse=True)
    assert await story.run(days=8.2) == []
    story.refuse(does_refuse=False)
    assert await story.run(days=0.5) in (["expired"], ["stage, follow-up 7"])
    assert story.mentioned == (ROLE,)


async def test_an_account_in_error_before_its_reminder_was_added(story: Story) -> None:
    """The channel hears of the error, like of a stage that has come."""
    await story.begin_without_reminder(20)
    story.log_in(20, error=True)
    await story.run(days=2)
    await story.add_reminder()
    assert await story.run() in (["error"], ["error, follow-up 1"])
    assert story.mentioned == (ROLE,)


async def test_an_account_missing_before_its_reminder_was_added(story: Story) -> None:
    """The channel hears that it is missing, and nothing else about it."""
    await story.begin_without_reminder(6)
    story.vanish()
    await story.run(days=2)
    await story.add_reminder()
    assert await story.run(days=5) == ["missing"]


async def test_an_error_is_announced_within_minutes(story: Story) -> None:
    """A second reading after a minute confirms it; follow-ups remind of it, and one good reading ends it."""
    assert await story.begin(29) == []
    own = story.log_in(29)
    story.show(own, error=True)
    assert await story.run() == ["error"]
    assert await story.run(days=4) == ["error, follow-up 1", "error, follow-up 3"]
    story.show(own)
    assert await story.run(days=1) == []


async def test_a_login_that_expires_while_it_is_in_error(story: Story) -> None:
    """Error and expiry are one condition: one message, and follow-ups from its begin."""
    assert await story.begin(29) == []
    own = story.log_in(0.5)
    story.show(own, error=True)
    assert await story.run() == ["error"]
    heard = await story.run(days=3.2)
    assert [news.partition(", ")[2] for news in heard] == ["follow-up 1", "follow-up 3"]


@pytest.mark.parametrize("follow_ups", [True, False])
async def test_an_error_that_ends_after_the_login_expired(story: Story, *, follow_ups: bool) -> None:
    """The channel hears then that the login has expired: the message about the error did not say so."""
    await story.begin_without_reminder(20)
    await story.add_reminder(follow_ups=follow_ups)
    own = story.log_in(0.2)
    story.show(own, error=True)
    assert await story.run(days=0.5) == ["error"]
    story.show(own)
    assert await story.run(days=0.1) == ["expired"]
    assert story.mentioned == (ROLE,)
    assert GREEN not in story.all_signs
    assert await story.run(days=2) == (["stage, follow-up 1"] if follow_ups else [])
    assert GREEN not in story.all_signs


@pytest.mark.parametrize("follow_ups", [True, False])
async def test_an_error_of_an_expired_login_ends(story: Story, *, follow_ups: bool) -> None:
    """Its message said that the login has expired; that stays true, so it stays red, and nothing is said again."""
    await story.begin_without_reminder(20)
    own = story.log_in(-0.1)
    story.show(own, error=True)
    await story.run()
    await story.add_reminder(follow_ups=follow_ups)
    assert await story.run(days=0.3) == ["error"]
    story.show(own)
    assert await story.run(days=0.3) == []
    assert story.signs[-1] == RED
    assert GREEN not in story.all_signs
    assert await story.run(days=2) == (["stage, follow-up 1"] if follow_ups else [])
    story.log_in(30)
    assert await story.run() == ["renewed"]
    assert story.signs == [GREEN]


async def test_an_error_that_begins_after_the_expiry(story: Story) -> None:
    """The channel knows that the login has expired: neither the error nor its end is news, and follow-ups go on."""
    assert await story.begin(0.1) == ["stage 1"]
    assert await story.run(days=0.2) == ["expired"]
    own = story.log_in(-0.1)
    story.show(own, error=True)
    assert await story.run(days=0.5) == []
    story.show(own)
    assert await story.run(days=0.2) == []
    assert await story.run(days=1) == ["stage, follow-up 1"]
    assert GREEN not in story.all_signs


async def test_an_error_that_ends_before_the_expiry(story: Story) -> None:
    """Its message turns green, and once the login expires it is folded: only the newest message asks for something."""
    await story.begin_without_reminder(0.3, life=1)
    await story.add_reminder(7)
    own = story.log_in(0.3, life=1)
    story.show(own, life=1, error=True)
    assert await story.run(days=0.1) == ["error"]
    story.show(own, life=1)
    assert await story.run(days=0.1) == []
    assert story.signs[-1] == GREEN
    assert await story.run(days=0.3) == ["expired"]
    first = story.kit.channels.by_id[CHANNEL].posts[0]
    last = [one for one in story.kit.channels.by_id[CHANNEL].versions if one.post is first][-1]
    assert not last.is_good_news(ACCOUNT)


async def test_a_long_error_over_a_fresh_expiry(story: Story) -> None:
    """The follow-ups of the expiry begin with the expiry, however long the error has lasted."""
    await story.begin(29)
    own = story.log_in(8.5)
    story.show(own, error=True)
    heard = await story.run(days=9)
    assert heard == ["error", "error, follow-up 1", "error, follow-up 3", "error, follow-up 7"]
    story.show(own)
    assert await story.run(days=0.2) == ["expired"]
    assert await story.run(days=1) == ["stage, follow-up 1"]


async def test_a_short_login_that_expires_during_an_error(story: Story) -> None:
    """A login too short for any lead time is said to have expired when the error ends; its renewal is said too."""
    await story.begin_without_reminder(0.08, life=0.1)
    await story.add_reminder()
    own = story.log_in(0.08, life=0.1)
    story.show(own, life=0.1, error=True)
    assert await story.run(days=0.2) == ["error"]
    story.show(own, life=0.1)
    assert await story.run() == ["expired"]
    story.log_in(0.2, life=0.2)
    assert await story.run() == ["renewed"]


FOLLOWED_UP = [", follow-up 1", ", follow-up 3", ", follow-up 7", ", follow-up 14", ", follow-up 21", ", follow-up 28"]


async def test_an_error_with_short_good_spells(story: Story) -> None:
    """One good poll every 23 hours is no recovery: the error is followed up since its begin, for four weeks."""
    await story.begin(None)
    heard = await story.flap(30, lambda: story.show(None, error=True), lambda: story.show(None))
    assert heard == ["error", *(f"error{one}" for one in FOLLOWED_UP)]


async def test_an_outage_with_short_good_spells(story: Story) -> None:
    """Accounts that can be read once in 23 hours are unreadable, and followed up since the begin."""
    await story.begin(None)

    def answer(status: int | None) -> None:
        story.kit.status = status

    heard = await story.flap(30, lambda: answer(200), lambda: answer(None))
    assert heard == ["unreadable", *(f"unreadable{one}" for one in FOLLOWED_UP)]


async def test_an_expiry_that_moves_by_minutes_while_it_passes(story: Story) -> None:
    """Neither the shift nor the expiry after it is news: the login has expired, more or less."""
    assert await story.begin(0.1) == ["stage 1"]
    expires_at = story.log_in(0.1)
    assert expires_at is not None
    assert await story.run(days=0.11) == ["expired"]
    for _ in range(5):
        expires_at += 40 * MINUTE
        story.show(expires_at)
        assert await story.run(minutes=37) == []


async def test_an_odd_reading_before_an_outage(story: Story) -> None:
    """The outage is no second reading: nothing is said of the old expiry until the accounts are read again."""
    assert await story.begin(1.2) == ["stage 3"]
    own = story.log_in(1.2)
    story.log_in(30)
    assert await story.poll() == []
    story.kit.status = 200
    assert await story.run(days=0.21) == []
    story.kit.status = None
    assert await story.run() == ["renewed"]
    story.show(own)


async def test_an_odd_reading_while_an_expired_login_is_in_error(story: Story) -> None:
    """The login may be another one, so that the error waits for the second reading; that shows the old one."""
    assert await story.begin(0.1) == ["stage 1"]
    assert await story.run(days=0.2) == ["expired"]
    own = story.log_in(-0.1)
    story.show(own, error=True)
    assert await story.run() == []
    story.log_in(30, error=True)
    assert await story.poll() == []
    story.show(own, error=True)
    assert await story.run(days=0.2) == []


async def test_a_reminder_that_was_removed_for_two_days(story: Story) -> None:
    """The channel starts anew: it hears the stage of now, though it had heard it before."""
    assert await story.begin(6) == ["stage 7"]
    await story.remove_reminder()
    assert await story.run(days=2) == []
    await story.add_reminder()
    assert await story.run() == ["stage 7"]
    assert story.mentioned == (ROLE,)


async def test_a_reminder_that_is_replaced_at_once(story: Story) -> None:
    """Removed and added again within a minute it repeats nothing, and goes on with the next stage."""
    assert await story.begin(6) == ["stage 7"]
    await story.remove_reminder()
    assert await story.poll() == []
    await story.add_reminder()
    assert await story.run(days=1) == []
    assert await story.run(days=3) == ["stage 3"]


async def test_an_account_missing_for_a_year(story: Story) -> None:
    """A reminder that is added then says nothing about it, whatever its login was."""
    await story.begin_without_reminder(6)
    story.vanish()
    await story.run(minutes=130)
    await story.turn_off(365)
    await story.add_reminder()
    assert await story.run(days=2) == []


async def test_follow_ups_of_an_expired_login(story: Story) -> None:
    """Follow-ups of a login come after 1, 3, 7, 14, 21 and 28 days, to nobody's role but the assignee, and then end."""
    assert await story.begin(0.5) == ["stage 1"]
    assert await story.run(days=1) == ["expired"]
    await story.kit.assign(CHANNEL, ACCOUNT, 4711)
    assert await story.run(days=1) == ["stage, follow-up 1"]
    assert story.mentioned == (4711,)
    heard = await story.run(days=40)
    assert heard == [f"stage, follow-up {days}" for days in (3, 7, 14, 21, 28)]
    # The assignment has ended meanwhile.
    assert story.mentioned == (ROLE,)


async def test_no_follow_ups_where_nobody_wants_them(story: Story) -> None:
    """A reminder without follow-ups ends with the expiry."""
    await story.begin_without_reminder(0.5)
    await story.add_reminder(follow_ups=False)
    assert await story.run(days=9) == ["stage 1", "expired"]


async def test_an_account_that_changes_all_day(story: Story) -> None:
    """The channel gets three messages about it in a day, however often it is renewed and revoked."""
    heard = await story.begin(0.5)
    for days in (30, -0.1, 29, -0.2, 28, -0.3):
        story.log_in(days)
        heard += await story.run(minutes=30)
    assert heard == ["stage 1", "renewed", "expired"]
    story.log_in(27)
    assert await story.run(days=0.5) == []


async def test_the_token_is_refused(story: Story) -> None:
    """A channel hears after a quarter of an hour that the accounts can't be read, and again while it goes on."""
    assert await story.begin(29) == []
    story.kit.status = 401
    assert await story.run(minutes=14) == []
    assert await story.run(days=0.2) == ["unreadable"]
    assert await story.run(days=1.2) == ["unreadable, follow-up 1"]


async def test_one_refusal_of_the_token_after_another_outage(story: Story) -> None:
    """One 401 after hours without a list proves nothing; a quarter of an hour of them does."""
    assert await story.begin(29) == []
    story.kit.status = 200
    assert await story.run(minutes=190) == []
    story.kit.status = 401
    assert await story.poll() == []
    story.kit.clock.true += 14 * MINUTE
    assert await story.poll() == []
    story.kit.clock.true += 2 * MINUTE
    assert await story.poll() == ["unreadable"]


async def test_a_login_that_was_issued_after_its_expiry(story: Story) -> None:
    """Its life is impossible, and so unknown: all lead times count."""
    assert await story.begin(5, life=-3) == ["stage 7"]
