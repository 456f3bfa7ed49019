"""The answers to the commands that add and remove boards."""

from collections.abc import Sequence

from bot.chat.views.components import Reply, notice
from bot.core.boards import Board
from bot.core.changes import Act, Change
from bot.core.links import message_link
from bot.core.status import AMBER, GREEN, GREY
from bot.core.wording import say_reason

_MAX_NAMED = 10


def _link(board: Board) -> str:
    """Return a link to a board's message; empty until it was posted."""
    if board.discord_id is None:
        return ""
    return f" ([open]({message_link(board.guild_id, board.channel_id, board.discord_id)}))"


def posted_reply(board: Board) -> Reply:
    """Return the answer to a board that was posted."""
    text = f"In <#{board.channel_id}>{_link(board)}. It updates itself. "
    return notice("Board posted", f"{text}Remove it with `/minimax-board remove`.", GREEN, _added(board))


def present_reply(board: Board) -> Reply:
    """Return the answer to a board that the channel has already."""
    text = f"<#{board.channel_id}> already has a board{_link(board)}. It updates itself. "
    return notice("Nothing changed", f"{text}Remove it with `/minimax-board remove`.", AMBER)


def coming_reply(board: Board) -> Reply:
    """Return the answer to a board that a later poll posts."""
    text = f"In <#{board.channel_id}>. Discord is slow, give it a few minutes."
    return notice("Board coming up", text, AMBER, _added(board))


def _added(board: Board) -> Change:
    return Change(Act.BOARD_ADDED, board.channel_id)


def removed_reply(channel_id: int) -> Reply:
    """Return the answer to a board that was deleted."""
    return notice("Board removed", f"<#{channel_id}> has no board any more.", GREY, _removed(channel_id))


def stopped_reply(channel_id: int, reason: str) -> Reply:
    """Return the answer to a board whose message may still be there."""
    text = f"The message in <#{channel_id}> couldn't be deleted ({say_reason(reason, 200)}). Delete it yourself."
    return notice("Board stopped", text, AMBER, _removed(channel_id))


def _removed(channel_id: int) -> Change:
    return Change(Act.BOARD_REMOVED, channel_id)


def missing_reply(channel_id: int, boards: Sequence[Board]) -> Reply:
    """Return the answer to the removal of a board from a channel without one; `boards` are those of the server."""
    if not boards:
        advice = "This server has no board yet. Post one with `/minimax-board add`."
    else:
        more = f" and {len(boards) - _MAX_NAMED} more" if len(boards) > _MAX_NAMED else ""
        named = ", ".join(f"<#{board.channel_id}>" for board in boards[:_MAX_NAMED])
        advice = f"This server has boards in {named}{more}."
    return notice("No board to remove", f"<#{channel_id}> has no board. {advice}", GREY)
