"""What the user has entered is kept with the profile: by channel, bounded, without secrets, until it is forgotten."""

import pytest
from simulated_world import SimulatedWorld

from multichat_tui.crypto.identity import Account
from multichat_tui.model.errors import NotFound
from multichat_tui.model.ids import ChannelId
from multichat_tui.model.intents import ChangeSetting, CreateChannel, ForgetTyped, InviteContact, LeaveChannel, RememberTyped
from multichat_tui.model.limits import MAX_TYPED_CHARACTERS, MAX_TYPED_LINES
from multichat_tui.net.virtual_time import run_virtual
from multichat_tui.node.typed import is_secret

PHRASE = Account(bytes(range(32))).phrase


async def alone(seed: int):
    world = SimulatedWorld(seed)
    (ann,) = await world.add("ann")
    channels = [(await ann.api.submit(CreateChannel(name=name))).channel for name in ("one", "two")]
    return ann, *channels


async def enter(node, channel: ChannelId | None, *texts: str) -> None:
    for text in texts:
        await node.api.submit(RememberTyped(channel=channel, text=text))


async def kept(node, channel: ChannelId | None) -> tuple[str, ...]:
    return (await node.api.typed(channel)).rows


def test_what_was_entered_is_there_after_a_restart_each_channel_its_own_and_each_text_once() -> None:
    async def story() -> None:
        ann, one, two = await alone(1)
        await enter(ann, one, "hello", "/topic tea", "hello", "last\nlines")
        await enter(ann, two, "elsewhere")
        await enter(ann, None, "/status")
        ann.crash()
        await ann.start()
        assert await kept(ann, one) == ("/topic tea", "hello", "last\nlines")
        assert await kept(ann, two) == ("elsewhere",)
        assert await kept(ann, None) == ("/status",)

    run_virtual(story())


def test_links_phrases_and_what_is_too_long_are_not_kept_and_the_oldest_go_first() -> None:
    async def story() -> None:
        ann, one, _ = await alone(2)
        link = (await ann.api.submit(InviteContact())).link
        await enter(ann, one, f"/pair {link}", PHRASE, "x" * (MAX_TYPED_CHARACTERS + 1), "  ", "\ud800")
        assert await kept(ann, one) == ()
        await enter(ann, one, *(f"line {number}" for number in range(MAX_TYPED_LINES + 3)))
        lines = await kept(ann, one)
        assert (len(lines), lines[0], lines[-1]) == (MAX_TYPED_LINES, "line 3", f"line {MAX_TYPED_LINES + 2}")

    run_virtual(story())


def test_it_is_forgotten_with_its_channel_by_command_and_by_the_setting() -> None:
    async def story() -> None:
        ann, one, two = await alone(3)
        await enter(ann, one, "here")
        await enter(ann, two, "there")
        await enter(ann, None, "nowhere")
        await ann.api.submit(ForgetTyped(channel=one))
        assert (await kept(ann, one), await kept(ann, two)) == ((), ("there",))
        await ann.api.submit(LeaveChannel(channel=two))
        assert await kept(ann, two) == ()
        await ann.api.submit(ChangeSetting(key="history", value="off"))
        assert await kept(ann, None) == ()
        await enter(ann, one, "unseen")
        assert await kept(ann, one) == ()
        await ann.api.submit(ChangeSetting(key="history", value="on"))
        await enter(ann, one, "seen")
        await enter(ann, None, "too")
        await ann.api.submit(ForgetTyped())
        assert (await kept(ann, one), await kept(ann, None)) == ((), ())
        with pytest.raises(NotFound):
            await enter(ann, ChannelId(bytes(32)), "into the void")

    run_virtual(story())


@pytest.mark.parametrize(
    "text",
    [
        "/pair multichat:pair/abc234",
        "MultiChat:JOIN/abc",
        "here it is: multichat:pair/ab\ncd",
        "multi chat:pair/abc",
        PHRASE,
        "it was " + PHRASE.upper(),
        " ".join(f"{number}. {word}" for number, word in enumerate(PHRASE.split(), 1)),
        " ".join(PHRASE.split()[7:19]),
    ],
)
def test_a_secret_is_seen_as_one(text: str) -> None:
    assert is_secret(text)


@pytest.mark.parametrize(
    "text",
    [
        "multichat: the program",
        "see https://example.org/multichat:pair",
        " ".join(PHRASE.split()[:11]),
        " ".join(["12345"] * 12),
        "we should meet at the old harbour and then walk along the river until the bridge, if the weather holds",
    ],
)
def test_what_people_write_is_no_secret(text: str) -> None:
    assert not is_secret(text)
