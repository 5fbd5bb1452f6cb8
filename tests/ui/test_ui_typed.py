"""What was entered comes back by keys: the entries of the open channel, as the node keeps them and as they were entered here."""

from seat import Sit, until
from twin import TwinNode

from multichat_tui.model.errors import IntentRefused, Refusal
from multichat_tui.model.intents import ForgetTyped, RememberTyped
from multichat_tui.ui.recall import Recall


def two_channels() -> tuple[TwinNode, bytes, bytes]:
    node = TwinNode()
    dev, lobby = node.add_channel("dev"), node.add_channel("lobby")
    node.typed_lines = {dev: ["/topic tea", "from before"], lobby: ["lobby talk"]}
    return node, dev, lobby


async def test_up_and_down_go_through_what_the_node_keeps_of_the_open_channel(sit: Sit) -> None:
    node, dev, lobby = two_channels()
    async with sit(node) as seat:
        composer = seat.main.composer
        await seat.opened(dev)
        await until(lambda: composer.recall.entries == ("/topic tea", "from before"))
        await seat.press("up")
        assert composer.text == "from before"
        await seat.press("up", "up")
        assert composer.text == "/topic tea"
        await seat.press("down", "down")
        assert composer.text == ""
        await seat.press("f8")
        await seat.opened(lobby)
        await until(lambda: composer.recall.entries == ("lobby talk",))
        await seat.press("up")
        assert composer.text == "lobby talk"


async def test_a_text_that_is_being_written_is_left_by_ctrl_up_alone_and_comes_back(sit: Sit) -> None:
    node, dev, _ = two_channels()
    async with sit(node) as seat:
        composer = seat.main.composer
        await seat.opened(dev)
        await until(lambda: composer.recall.entries)
        await seat.write("half a thought")
        await seat.press("up")
        assert (composer.text, composer.editor.caret) == ("half a thought", 0)
        await seat.press("ctrl+up", "ctrl+up")
        assert composer.text == "/topic tea"
        await seat.press("ctrl+down", "ctrl+down")
        assert composer.text == "half a thought"


async def test_an_entry_of_several_lines_is_gone_through_line_by_line(sit: Sit) -> None:
    node, dev, _ = two_channels()
    node.typed_lines[dev] = ["before", "one\ntwo"]
    async with sit(node) as seat:
        composer = seat.main.composer
        await seat.opened(dev)
        await until(lambda: composer.recall.entries)
        await seat.press("up", "up")
        assert composer.text == "one\ntwo"
        await seat.press("up")
        assert composer.text == "before"


async def test_an_entry_that_was_changed_is_a_text_like_any_other(sit: Sit) -> None:
    node, dev, _ = two_channels()
    async with sit(node) as seat:
        composer = seat.main.composer
        await seat.opened(dev)
        await until(lambda: composer.recall.entries)
        await seat.press("up", "x", "up", "down")
        assert composer.text == "from beforex"


async def test_what_is_entered_is_given_to_the_node_and_what_is_refused_is_not(sit: Sit) -> None:
    node, dev, _ = two_channels()
    async with sit(node) as seat:
        await seat.opened(dev)
        for text in ("a message", "/names"):
            await seat.write(text)
            await seat.press("enter")
            await until(lambda text=text: RememberTyped(channel=dev, text=text) in node.intents)
        await until(lambda: seat.main.composer.text == "")
        await seat.press("escape")
        node.refuse_with = IntentRefused(Refusal.TOO_LONG, "No.")
        await seat.write("too much")
        await seat.press("enter")
        await seat.sees("No.")
        assert not any(isinstance(i, RememberTyped) and i.text == "too much" for i in node.intents)
        assert seat.main.composer.text == "too much"


async def test_ctrl_r_finds_what_was_entered_before_the_program_began(sit: Sit) -> None:
    node, dev, _ = two_channels()
    async with sit(node) as seat:
        await seat.opened(dev)
        await until(lambda: seat.main.composer.recall.entries)
        await seat.press("ctrl+r", *"bef")
        await seat.sees("from before")
        await seat.press("enter")
        await until(lambda: seat.main.composer.text == "from before")


async def test_clearing_forgets_what_is_held_here_too(sit: Sit) -> None:
    node, dev, _ = two_channels()
    async with sit(node) as seat:
        await seat.opened(dev)
        await until(lambda: seat.main.composer.recall.entries)
        await seat.write("/history clear")
        await seat.press("enter")
        await seat.sees("is forgotten")
        assert ForgetTyped(channel=dev) in node.intents
        assert not any(isinstance(intent, RememberTyped) for intent in node.intents)
        assert seat.main.composer.recall.entries == ()
        await seat.press("up")
        assert seat.main.composer.text == ""


async def test_without_any_channel_there_is_a_history_as_well(sit: Sit) -> None:
    node = TwinNode()
    node.typed_lines = {None: ["/status"]}
    async with sit(node) as seat:
        await until(lambda: seat.main.composer.recall.entries == ("/status",))
        await seat.press("up")
        assert seat.main.composer.text == "/status"


def test_recalling_ends_where_it_began() -> None:
    recall = Recall()
    recall.use(("a", "b"))
    assert recall.step("", 1) is None
    assert [recall.step("mine", -1), recall.step("b", -1), recall.step("a", -1)] == ["b", "a", "a"]
    assert [recall.step("a", 1), recall.step("b", 1), recall.step("mine", 1)] == ["b", "mine", None]
