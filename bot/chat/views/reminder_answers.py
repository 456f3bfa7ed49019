"""The answers to the commands that add, change, pause, test and remove reminders."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

import discord
from discord.utils import format_dt

from bot.chat.views.components import Reply, notice, ping_nobody_view
from bot.core.accounts import Account, shared_names
from bot.core.assignments import begins_quietly
from bot.core.changes import Act, Change
from bot.core.forecast import Upcoming
from bot.core.links import SETUP_GUIDE, message_link
from bot.core.notifications import Kind
from bot.core.outlook import Outlook
from bot.core.stages import EXPIRED
from bot.core.status import AMBER, EXPIRING_WITHIN, GREEN, GREY, Status
from bot.core.subscriptions import NewSubscription, Ping, Subscription
from bot.core.wording import say_count, say_credits, say_days, say_full_name, say_short_name, say_told_apart

ALL_LABEL = "All accounts"
_MAX_NAMED = 3
# What a reminder is for that is not about the time.
_INCIDENTS = {
    Kind.ERROR: "error",
    Kind.FAILING: "jobs fail",
    Kind.MISSING: "removed",
    Kind.UNDATED: "no expiry date",
    Kind.UNREADABLE: "can't be read",
    Kind.LOW_CREDITS: "low on credits",
}

# Accounts by id, as far as they are known.
Accounts = Mapping[str, Account]


def say_subject(account_id: str | None, accounts: Accounts) -> str:
    """Return which accounts a reminder is for: the name in bold, with the id where two have the same name."""
    if account_id is None:
        return f"**{ALL_LABEL}**"
    account = accounts.get(account_id, Account(account_id))
    is_shared = sum(one.name == account.name for one in accounts.values()) > 1
    return say_full_name(account) if is_shared else say_short_name(account)


def say_place(subscription: NewSubscription, accounts: Accounts) -> str:
    """Return which accounts a reminder is for, and its channel: "**Jane** → #pipeline"."""
    return f"{say_subject(subscription.account_id, accounts)} → <#{subscription.channel_id}>"


def say_terms(subscription: NewSubscription) -> str:
    """Return when a reminder comes and whom it pings."""
    comma = "," if len(subscription.lead_times) > 1 else ""
    parts = [f"{say_days(subscription.lead_times)}{comma} and on expiry"]
    if not subscription.follow_ups:
        parts.append("no follow-ups")
    if subscription.credits_below is not None:
        parts.append(f"below {say_credits(subscription.credits_below)}")
    ping = _say_ping(subscription.ping)
    if subscription.ping is not None and begins_quietly(subscription):
        ping += f" from {say_count(EXPIRING_WITHIN.days, 'day')} before"
    return " · ".join([*parts, ping])


def _say_ping(ping: Ping | None) -> str:
    return f"pings {ping.mention}" if ping else "pings nobody"


def _say_changes(new: Subscription, old: Subscription) -> str:
    """Return the terms that have changed, as they were."""
    were = []
    if old.lead_times != new.lead_times:
        were.append(say_days(old.lead_times))
    if old.follow_ups != new.follow_ups:
        were.append("with follow-ups" if old.follow_ups else "no follow-ups")
    if old.credits_below != new.credits_below:
        below = old.credits_below
        were.append("no credit alert" if below is None else f"below {say_credits(below)}")
    if old.ping != new.ping:
        were.append(_say_ping(old.ping))
    if (old.paused_at is None) != (new.paused_at is None):
        were.append("active" if old.paused_at is None else "paused")
    return " · ".join(were)


def _say_outlook(
    subscription: Subscription, outlook: Outlook, accounts: Accounts, now: datetime, which: str
) -> tuple[str, bool]:
    """Return when the first or next reminder comes, or why none does; and whether one does."""
    if outlook.comes_next is not None:
        return f"{which} reminder: {say_next(outlook.comes_next, shared_names(accounts.values()), now)}", True
    covered = outlook.covered
    if not covered and subscription.account_id is not None:
        # The poll that follows will know it.
        covered = [one for one in (accounts.get(subscription.account_id),) if one and one.expires_at is None]
    if not covered and not (subscription.is_for_all and outlook.were_read):
        return f"{which} reminder: known after the next check, in a minute", True
    advice = "" if accounts else f" [Add one at useapi.net]({SETUP_GUIDE})."
    why = say_why_none(covered, now, has_failing=outlook.has_failing, has_accounts=bool(accounts))
    return f"{why}.{advice}", False


def say_next(upcoming: Upcoming, shared: Collection[str], now: datetime) -> str:
    """Return when a reminder comes, and about which account where that is not plain.

    `shared` are the names that several accounts have.
    """
    if upcoming.at <= now:
        return "in a few seconds"
    subject = f"{say_told_apart(upcoming.account, shared)} " if upcoming.subscription.is_for_all else ""
    return f"{subject}{format_dt(upcoming.at, 'R')} ({say_stage(upcoming)})"


def say_why_none(covered: Collection[Account], now: datetime, *, has_failing: bool, has_accounts: bool) -> str:
    """Return why a reminder for these accounts has nothing to send.

    `has_failing` if the jobs of one of them fail, `has_accounts` if there are accounts, perhaps others than these.
    """
    if not covered:
        why = "The accounts have reminders of their own here" if has_accounts else "No accounts yet"
        return f"{why}, so nothing is planned"
    if all(one.expires_at is None for one in covered):
        return "No expiry date reported, so nothing is planned"
    if any(one.status(now) is Status.ERROR for one in covered):
        return "useapi.net reports an error, which was sent; the next reminder comes after that"
    if has_failing:
        return "MiniMax jobs fail, which was sent; the next reminder comes after that"
    if all(one.expires_at is None or one.has_expired(now) for one in covered):
        return "Already expired; the next reminder comes after a renewal"
    return "Nothing is planned"


def _change(act: Act, subscription: Subscription, news: str = "") -> Change:
    account_ids = None if subscription.account_id is None else (subscription.account_id,)
    return Change(act, subscription.channel_id, account_ids, subscription.id, news)


def say_stage(upcoming: Upcoming) -> str:
    """Return what a reminder is for: how long before or after the expiry it comes, or an incident."""
    if upcoming.kind is not Kind.STAGE:
        return _INCIDENTS[upcoming.kind]
    if upcoming.stage == EXPIRED:
        return "on expiry"
    return f"{say_count(abs(upcoming.stage), 'day')} {'before' if upcoming.stage > EXPIRED else 'after'}"


def saved_reply(
    subscription: Subscription,
    replaced: Subscription | None,
    in_channel: Iterable[Subscription],
    accounts: Accounts,
    outlook: Outlook,
    now: datetime,
    *,
    is_ping_kept: bool = False,
) -> Reply:
    """Return the answer to a reminder that was added, or changed if it was there already.

    Args:
        subscription: the reminder as it is now.
        replaced: the reminder on the same accounts that was there before.
        in_channel: all reminders of the channel.
        accounts: all accounts that are known.
        outlook: what the reminder will send.
        now: the time.
        is_ping_kept: whether its ping was not chosen anew, so that people learn how to take it away.
    """
    which = "Next" if replaced else "First"
    text, is_due = _say_outlook(subscription, outlook, accounts, now, which)
    lines = [f"{say_place(subscription, accounts)} · {say_terms(subscription)}"]
    title = "Reminder added"
    change: Change | None = _change(Act.REMINDER_ADDED, subscription)
    if replaced is not None:
        changes = _say_changes(subscription, replaced)
        title = "Reminder updated" if changes else "Nothing changed"
        lines.append(f"Was: {changes}" if changes else "This reminder was there already.")
        subject = say_subject(subscription.account_id, accounts)
        news = f"changed the reminder for {subject}: {say_terms(subscription)}."
        change = _change(Act.REMINDER_CHANGED, subscription, news) if changes else None
    lines.append(text)
    if replaced is None and (note := _say_overlap(subscription, in_channel, accounts)):
        lines.append(note)
    view = None
    if is_ping_kept and subscription.ping is not None:
        view = ping_nobody_view(subscription)
        lines.append(f"It still pings {subscription.ping.mention}. To change that, press **Ping nobody**.")
    embed = discord.Embed(title=title, description="\n".join(lines), colour=GREEN if is_due else AMBER)
    return Reply([embed], view, change=change)


def _say_overlap(subscription: Subscription, in_channel: Iterable[Subscription], accounts: Accounts) -> str:
    """Return what a new reminder replaces in its channel, or what goes on beside it; empty if it is alone."""
    others = [one for one in in_channel if one.id != subscription.id]
    if not subscription.is_for_all:
        for_all = next((one for one in others if one.is_for_all), None)
        if for_all is None:
            return ""
        lost = for_all.ping if for_all.ping != subscription.ping else None
        ping = f", also its ping of {lost.mention}" if lost else ""
        subject = say_subject(subscription.account_id, accounts)
        return f"Here it replaces **{ALL_LABEL}** for {subject}{ping}."
    if not others:
        return ""
    return f"Own reminders here go on instead of this one: {_list_subjects(others, accounts)}."


def _list_subjects(some: Sequence[Subscription], accounts: Accounts) -> str:
    more = f" and {len(some) - _MAX_NAMED} more" if len(some) > _MAX_NAMED else ""
    return ", ".join(say_subject(one.account_id, accounts) for one in some[:_MAX_NAMED]) + more


def present_reply(present: Subscription, account_id: str | None, accounts: Accounts) -> Reply:
    """Return the answer to a button for a reminder that the channel has already."""
    subject = say_subject(account_id, accounts) if account_id is not None else "all accounts"
    advice = "Nothing changed. To edit it, run `/minimax-reminders add` again."
    if present.paused_at is not None:
        advice = "It is paused. Resume it with `/minimax-reminders resume`."
    text = f"<#{present.channel_id}> already gets reminders for {subject}: {say_terms(present)}.\n{advice}"
    return notice("Already set up", text, AMBER)


def paused_reply(subscription: Subscription, accounts: Accounts) -> Reply:
    """Return the answer to a reminder that was paused; `subscription` is as it was before."""
    place, advice = say_place(subscription, accounts), "Resume it with `/minimax-reminders resume`."
    if subscription.paused_at is not None:
        return notice("Nothing changed", f"{place}\nIt was already paused. {advice}", GREY)
    news = f"paused the reminder for {say_subject(subscription.account_id, accounts)}."
    return notice("Reminder paused", f"{place}\n{advice}", GREY, _change(Act.REMINDER_PAUSED, subscription, news))


def resumed_reply(subscription: Subscription, accounts: Accounts, outlook: Outlook, now: datetime) -> Reply:
    """Return the answer to a reminder that was resumed; `subscription` is as it was before."""
    text, is_due = _say_outlook(subscription, outlook, accounts, now, "Next")
    lines = [f"{say_place(subscription, accounts)} · {say_terms(subscription)}", text]
    title, change = "Reminder resumed", None
    if subscription.paused_at is None:
        lines.insert(1, "It was already active.")
        title = "Nothing changed"
    else:
        news = f"resumed the reminder for {say_subject(subscription.account_id, accounts)}."
        change = _change(Act.REMINDER_RESUMED, subscription, news)
    return notice(title, "\n".join(lines), GREEN if is_due else AMBER, change)


def removed_reply(subscription: Subscription, left: Sequence[Subscription], accounts: Accounts) -> Reply:
    """Return the answer to a reminder that was removed; `left` are the others of its channel."""
    place, subject = f"<#{subscription.channel_id}>", say_subject(subscription.account_id, accounts)
    change = _change(Act.REMINDER_DELETED, subscription, f"deleted the reminder for {subject}.")
    if subscription.is_for_all:
        lines = [f"{place} no longer gets reminders for all accounts."]
        if left:
            lines.append(f"It still gets those for {_list_subjects(left, accounts)}.")
        return notice("Reminder removed", "\n".join(lines), GREY, change)
    for_all = next((one for one in left if one.is_for_all), None)
    if for_all is None:
        return notice("Reminder removed", f"{place} no longer gets reminders for {subject}.", GREY, change)
    terms = ", which is paused" if for_all.paused_at is not None else f": {say_terms(for_all)}"
    text = f"{place} now follows **{ALL_LABEL}** for {subject} again{terms}."
    return notice("Reminder removed", text, GREY, change)


def tested_reply(subscription: Subscription, message_id: int | None) -> Reply:
    """Return the answer to a test that was sent; None if it was deleted at once."""
    place = f"<#{subscription.channel_id}>"
    if message_id is None:
        return notice("Test sent", f"To {place}, where it was deleted at once.", AMBER)
    link = message_link(subscription.guild_id, subscription.channel_id, message_id)
    ping = f" {subscription.ping.mention} is shown but was not pinged." if subscription.ping else ""
    return notice("Test sent", f"To {place} ([open]({link})).{ping}", GREEN)
