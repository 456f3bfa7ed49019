"""What is left of a message whose content Discord refuses."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.core.limits import MAX_CONTENT
from bot.core.messages import Action, Choice, OutgoingMessage
from bot.core.plainer import make_plainer

PICTURE = {"url": "https://example.com/avatar.png"}
CARD: dict[str, Any] = {
    "title": "2 accounts",
    "description": "🔴 **Mia** `1`\n🔴 **Noah** `2`",
    "fields": [{"name": "Check", "value": "a minute ago"}],
    "footer": {"text": "2 accounts · abcd1234", "icon_url": PICTURE["url"]},
    "thumbnail": PICTURE,
    "image": PICTURE,
}
MESSAGE = OutgoingMessage(
    "2 logins expire <@&7> <@8>", (CARD,), (Action.CHECK,), (Choice("1", "Mia", "🔴"),), roles=(7,), users=(8,)
)


def versions_of(message: OutgoingMessage, *refused: str) -> list[OutgoingMessage]:
    """Return all plainer versions of a message, in turn."""
    versions = []
    while (plainer := make_plainer(message, refused)) is not None:
        versions.append(message := plainer)
    return versions


def test_each_version_has_less() -> None:
    """First go the pictures, then the embeds, at last the controls; the words and pings stay."""
    without_pictures, text, bare = versions_of(MESSAGE)
    assert set(without_pictures.embeds[0]) == {"title", "description", "fields", "footer"}
    assert without_pictures.embeds[0]["footer"] == {"text": "2 accounts · abcd1234"}
    assert (without_pictures.content, without_pictures.actions) == (MESSAGE.content, MESSAGE.actions)
    assert text.embeds == ()
    assert text.content == (
        "2 logins expire <@&7> <@8>\n**2 accounts**\n🔴 **Mia** `1`\n🔴 **Noah** `2`\n**Check**\na minute ago\n"
        "-# 2 accounts · abcd1234"
    )
    assert (text.actions, text.choices) == (MESSAGE.actions, MESSAGE.choices)
    assert (bare.content, bare.actions, bare.choices) == (text.content, (), ())
    assert all((one.roles, one.users) == ((7,), (8,)) for one in (without_pictures, text, bare))


def test_refused_controls_go_first() -> None:
    """If Discord names the controls, they alone are left out."""
    assert versions_of(MESSAGE, "components")[0].embeds == MESSAGE.embeds
    assert [(one.actions, one.choices) for one in versions_of(MESSAGE, "components")] == 3 * [((), ())]


def test_a_text_without_controls_has_no_plainer_version() -> None:
    """Nothing can be left out of mere words."""
    assert make_plainer(OutgoingMessage("words")) is None


TEXTS = st.text(min_size=1, max_size=3_000)


@given(content=TEXTS, description=TEXTS, footer=st.text(max_size=2_100))
def test_the_text_fits_and_keeps_the_short_id(content: str, description: str, footer: str) -> None:
    """However long the parts are, the text has at most 2,000 characters and ends with the short id."""
    footer = f"{footer} · abcd1234"[-2_048:]
    message = OutgoingMessage(content, ({"description": description, "footer": {"text": footer}},))
    (text,) = versions_of(message)
    assert len(text.content) <= MAX_CONTENT
    assert text.content.endswith("abcd1234")
