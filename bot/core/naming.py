"""Finds accounts by what people type: an id, a name or a part of it, or a line that completion showed."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from difflib import SequenceMatcher

from bot.core.accounts import Account
from bot.core.limits import MAX_LABEL
from bot.core.text import cut, plain
from bot.core.wording import say_state

# Neither completion nor a menu offers an account with a longer id.
MAX_ACCOUNT_ID = 64
_SEPARATOR = " · "
_MAX_NAME = 60
_MAX_SUGGESTED = 5
# Comparing all of a very long list would take noticeable time.
_MAX_COMPARED = 1_000
_SIMILAR = 0.7
# Discord's apps turn these into mentions when a label is sent as text.
_TAMED = str.maketrans({"#": "\N{FULLWIDTH NUMBER SIGN}", "@": "\N{FULLWIDTH COMMERCIAL AT}"})


def tame(text: str, limit: int) -> str:
    """Return a text for a label: one line, within the limit, without the marks of channels and people."""
    return plain(text, limit).translate(_TAMED)


def say_choice(account: Account, now: datetime) -> str:
    """Return the line that completion shows: name, state and id; a long name is cut, and a long id leaves no room."""
    state, shown_id = say_state(account, now), tame(account.id, MAX_LABEL)
    room = MAX_LABEL - len(_SEPARATOR.join(("", state, shown_id)))
    name = tame(account.name or "", min(_MAX_NAME, room)) if room > 0 else ""
    if name in ("", shown_id):
        return cut(_SEPARATOR.join((shown_id, state)), MAX_LABEL)
    return _SEPARATOR.join((name, state, shown_id))


def is_label(text: str) -> bool:
    """Whether a text may be a line that completion showed, rather than an id."""
    return _SEPARATOR in text


def find_named(asked: str, accounts: Iterable[Account]) -> tuple[list[Account], bool]:
    """Return the accounts that are meant by a text which is no id, and whether it is the whole of their name.

    It is a name, a line of completion, a name with an id, or a part of a name; in any case of letters.
    """
    wanted, listed = asked.strip().casefold(), list(accounts)
    if not wanted:
        return [], False
    if whole := [one for one in listed if (one.name or "").casefold() == wanted]:
        return whole, True
    if labelled := [one for one in listed if _is_label_of(one, wanted)]:
        return labelled, True
    return [one for one in listed if wanted in (one.name or "").casefold()], False


def _is_label_of(account: Account, text: str) -> bool:
    """Whether a text in lower case holds an account's id, and begins with its name, as labels and messages do."""
    shown_id = tame(account.id, MAX_LABEL).casefold()
    parts = text.split(_SEPARATOR)
    if len(parts) > 1 and shown_id in (parts[0], parts[-1]):
        return True
    name = (account.name or "").casefold()
    spelled = (f"{name} ({shown_id})", f"{name} {shown_id}", f"**{name}** `{shown_id}`", f"`{shown_id}`")
    return text in spelled


def find_similar(asked: str, accounts: Sequence[Account]) -> list[Account]:
    """Return up to five accounts whose name, or a word of it, or id is nearly the text; the most similar first."""
    wanted = asked.strip().casefold()[:_MAX_NAME]
    if not wanted:
        return []
    scored = [(_similarity(wanted, account), account) for account in accounts[:_MAX_COMPARED]]
    near = sorted((one for one in scored if one[0] >= _SIMILAR), key=lambda one: -one[0])
    return [account for _, account in near[:_MAX_SUGGESTED]]


def _similarity(wanted: str, account: Account) -> float:
    name = (account.name or "").casefold()[:_MAX_NAME]
    # The second text is the one that SequenceMatcher analyses and keeps.
    matcher = SequenceMatcher(b=wanted, autojunk=False)
    best = 0.0
    for text in {name, *name.split(), account.id.casefold()[:_MAX_NAME]}:
        matcher.set_seq1(text)
        if matcher.real_quick_ratio() > best and matcher.quick_ratio() > best:
            best = max(best, matcher.ratio())
    return best
