"""What Discord offers while somebody types into an option: accounts and reminders."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from discord import app_commands

from bot.chat.commands.channel_names import ChannelNames
from bot.chat.gateway.responder import Interaction
from bot.chat.views.choices import find_labelled, reminder_labels
from bot.chat.views.reminder_answers import ALL_LABEL
from bot.core.accounts import Account, sort_by_urgency
from bot.core.limits import MAX_OPTIONS
from bot.core.naming import MAX_ACCOUNT_ID, is_label, say_choice
from bot.core.subscriptions import Subscription
from bot.errors import BotError, NoSuchReminder, ServerNotListed
from bot.reminders.concurrency import aside
from bot.reminders.context import Context
from bot.store.accounts import get_snapshots
from bot.store.subscriptions import get_subscriptions

Choice = app_commands.Choice[str]
# The value of the choice that stands for all accounts, which no id is; people also type the word.
ALL = "*all"
_TYPED_ALL = "all"
# The value of the one choice that is offered where nothing fits.
_NONE = "none"
# The database's ids have up to 18 digits.
_MAX_DIGITS = 18


async def complete_accounts(context: Context, interaction: Interaction, typed: str) -> list[Choice]:
    """Return up to 25 accounts whose id, name or label contains the typed text, most urgent first."""
    try:
        directory = context.access.directory_for(interaction.guild_id)
    except ServerNotListed:
        return []
    wanted, now = typed.strip().casefold(), context.now()
    listed = await directory.offer()

    def find() -> list[Account]:
        matching = (one for one in listed if 0 < len(one.id) <= MAX_ACCOUNT_ID and _matches(one, wanted, now))
        return sort_by_urgency(matching, now)[:MAX_OPTIONS]

    offered = await aside(len(listed), find)
    return [app_commands.Choice(name=say_choice(one, now), value=one.id) for one in offered]


def _matches(account: Account, wanted: str, now: datetime) -> bool:
    if wanted in account.id.casefold() or wanted in (account.name or "").casefold():
        return True
    # The label of each of many accounts would take long to make.
    return is_label(wanted) and wanted in say_choice(account, now).casefold()


async def complete_accounts_or_all(context: Context, interaction: Interaction, typed: str) -> list[Choice]:
    """Return the choice of all accounts, if it contains the typed text, before those of single ones."""
    for_all = [app_commands.Choice(name=ALL_LABEL, value=ALL)] if is_part_of_all(typed) else []
    return [*for_all, *await complete_accounts(context, interaction, typed)][:MAX_OPTIONS]


def is_part_of_all(typed: str) -> bool:
    """Whether the label of all accounts contains the text."""
    return typed.strip().casefold() in ALL_LABEL.casefold()


def means_all(asked: str) -> bool:
    """Whether a text is the value of the choice of all accounts, or its label: people also type it."""
    return asked.strip().casefold() in (ALL, _TYPED_ALL, ALL_LABEL.casefold())


async def complete_reminders(
    context: Context, names: ChannelNames, interaction: Interaction, typed: str
) -> list[Choice]:
    """Return the reminders that fit the command, or one choice that says that there are none."""
    try:
        subscriptions, accounts = await _load(context, interaction)
    except BotError:
        return []
    named = await names.names_for(interaction, {one.channel_id for one in subscriptions})
    labels = reminder_labels(subscriptions, accounts, named)
    fitting = _fitting(subscriptions, _name_of(interaction))
    wanted = typed.strip().casefold()
    offered = [one.id for one in fitting if wanted in labels[one.id].casefold()]
    if not offered:
        title = "No reminder matches" if fitting else _say_none(subscriptions, _name_of(interaction)).title
        return [app_commands.Choice(name=title, value=_NONE)]
    return [app_commands.Choice(name=labels[key], value=str(key)) for key in offered[:MAX_OPTIONS]]


async def find_reminder(context: Context, names: ChannelNames, interaction: Interaction, picked: str) -> Subscription:
    """Return the reminder that was picked, or whose label, or a part of it that no other has, was typed.

    Raises:
        NoSuchReminder: there is none in this server, or several match.
    """
    subscriptions, accounts = await _load(context, interaction)
    command = _name_of(interaction)
    fitting = _fitting(subscriptions, command)
    found: Sequence[int] = []
    if picked.isascii() and picked.isdigit() and len(picked) <= _MAX_DIGITS:
        found = [one.id for one in subscriptions if one.id == int(picked)]
    if not found and picked != _NONE:
        named = await names.names_for(interaction, {one.channel_id for one in subscriptions})
        # Completion may have had no names, as Discord was slow.
        for labels in (reminder_labels(subscriptions, accounts, one) for one in (named, {})):
            found = find_labelled(picked, {one.id: labels[one.id] for one in fitting}) or find_labelled(picked, labels)
            if found:
                break
    if len(found) == 1:
        return next(one for one in subscriptions if one.id == found[0])
    if found:
        raise NoSuchReminder(f'{len(found)} reminders match "{picked.strip()}"')
    raise NoSuchReminder() if fitting else _say_none(subscriptions, command)


def _name_of(interaction: Interaction) -> str:
    return interaction.command.name if interaction.command else ""


def _fitting(subscriptions: Sequence[Subscription], command: str) -> list[Subscription]:
    """Return the reminders that a command is for: to pause those that are active, to resume those that are not."""
    is_paused = {"pause": {False}, "resume": {True}}.get(command, {True, False})
    return [one for one in subscriptions if (one.paused_at is not None) in is_paused]


def _say_none(subscriptions: Sequence[Subscription], command: str) -> NoSuchReminder:
    """Return the words for a server without a reminder that fits the command."""
    if not subscriptions:
        return NoSuchReminder("No reminders yet", "Add the first one: `/minimax-reminders add`.")
    if command == "resume":
        return NoSuchReminder("No paused reminders", "All reminders of this server are active.")
    return NoSuchReminder("No active reminders", "Resume one with `/minimax-reminders resume`.")


async def _load(context: Context, interaction: Interaction) -> tuple[list[Subscription], Mapping[str, Account]]:
    """Return the server's reminders, and their accounts as far as they are known."""
    guild_id = context.access.guild_of(interaction.guild_id)
    async with context.database.begin() as tx:
        subscriptions = await get_subscriptions(tx, guild_id)
        account_ids = {one.account_id for one in subscriptions if one.account_id is not None}
        snapshots = await get_snapshots(tx, account_ids)
    return subscriptions, {key: one.account for key, one in snapshots.items()}
