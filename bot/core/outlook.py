"""What a subscription will send, as far as it can be foreseen."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.core.accounts import Account
from bot.core.forecast import Upcoming


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a subscription will send while it is active.

    `comes_next` is the next reminder, None if none is planned. `covered` are the accounts that the database knows and
    the subscription is for; `has_failing` if the jobs of one of them fail. `were_read` if the last poll read accounts.
    """

    comes_next: Upcoming | None
    covered: Sequence[Account]
    has_failing: bool
    were_read: bool
