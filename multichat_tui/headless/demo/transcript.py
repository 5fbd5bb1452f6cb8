"""Three people on this machine: real processes with temporary homes, real links on loopback, played as a transcript.

Everything goes through the command line, as anybody could type it. Your own profile is not touched: each process gets a home of
its own below a temporary directory, which is removed at the end whatever happens.
"""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

from multichat_tui.headless.demo.player import STEP_TIMEOUT_S, Player
from multichat_tui.headless.demo.seat import demo_root
from multichat_tui.headless.output import Output


async def demo(out: Output) -> int:
    """Play it; 0 only if every message has reached everybody. Cleans up whatever happens."""
    with demo_root() as root:
        players = {name: Player(name, root / name, root) for name in ("ann", "bob", "cleo")}
        boxes = [Player(name, root / name, root) for name in ("box-one", "box-two")]
        try:
            return await _play(out, players, boxes)
        finally:
            for player in (*players.values(), *boxes):
                with contextlib.suppress(ProcessLookupError):
                    await player.go_offline()


async def _play(out: Output, players: dict[str, Player], boxes: list[Player]) -> int:
    ann, bob, cleo = players.values()

    def tell(step: str, **fields: object) -> None:
        out.result({"step": step, **fields}, step)

    for player in players.values():
        made = await player.run("init", "--name", player.name, "--no-passphrase")
        await player.come_online([address for other in players.values() for address in other.listen])
        tell(f"{player.name} has an identity and a node on {player.listen[0]}", user=made[0]["user"], listen=player.listen)

    pairing = (await ann.run("pair", "invite"))[0]["link"]
    paired = (await bob.run("pair", "accept", pairing))[0]
    tell("bob has paired with ann by a link", safety_number=paired["safety_number"])

    channel = (await ann.run("channel", "create", "garden"))[0]["channel"]
    link = (await ann.run("channel", "invite", "garden", "--uses", "2"))[0]["link"]
    for player in (bob, cleo):
        await player.run("channel", "join", link)
        tell(f"{player.name} has joined #garden by ann's invitation", channel=channel)

    sent: list[str] = []

    async def say(player: Player, text: str, *options: str) -> None:
        sent.append((await player.run("send", *options, "garden", text))[0]["id"])
        tell(f"{player.name}: {text}", id=sent[-1])

    await say(ann, "The tomatoes are ripe.", "--wait", "delivered")
    await say(bob, "I'll bring a basket.", "--wait", "delivered")
    await cleo.go_offline()
    tell("cleo closes the lid of her laptop")
    await say(ann, "Cleo, keep some basil for us?")
    await say(bob, "And the small peppers.")
    state = (await bob.run("log", "garden", "-n", "1"))[0]
    tell(f"bob sees: {state['state']}, {state['delivered']} of {state['total']}", state=state["state"])
    await cleo.come_online([*ann.listen, *bob.listen])
    tell("cleo is back")
    await say(cleo, "All set aside.", "--wait", "delivered")

    direct = (await bob.run("send", "--wait", "delivered", "@ann", "Just for you: happy birthday."))[0]
    tell("bob -> ann: Just for you: happy birthday.", id=direct["id"])
    complete = await _complete(players, sent)
    secret_kept = all(row["id"] != direct["id"] for row in await cleo.run("log", "garden", "-n", "200"))
    caught_up = await _never_online_together(players, boxes, tell)
    good = complete and secret_kept and caught_up
    tell("Everything was delivered to everybody." if good else "Something is missing.", delivered=good)
    return 0 if good else 1


async def _complete(players: dict[str, Player], sent: list[str]) -> bool:
    """Whether everybody holds every message, in the same order, within the time of a step."""
    try:
        async with asyncio.timeout(STEP_TIMEOUT_S):
            while True:
                logs = [await player.run("log", "garden", "-n", "200") for player in players.values()]
                orders = [[row["id"] for row in log if row["kind"] == "message"] for log in logs]
                states = [row["state"] for log in logs for row in log if row["kind"] == "message" and row["mine"]]
                if all(set(order) == set(sent) for order in orders) and set(states) == {"delivered-all"}:
                    return all(order == orders[0] for order in orders)
    except TimeoutError:
        return False


async def _never_online_together(players: dict[str, Player], boxes: list[Player], tell: Callable[..., None]) -> bool:
    """What is written to somebody who is away, by somebody who is away when they come, though one of two mailboxes has failed."""
    ann, bob, cleo = players.values()
    await cleo.run("pair", "accept", (await ann.run("pair", "invite"))[0]["link"])
    for player in (cleo, ann):
        for box in boxes:
            link = (await box.run("mailbox", "grant", player.name))[0]["link"] if box.node else await box.keep_mailbox()
            await player.run("mailbox", "add", link)
        if not await _until(player, ("mailbox", "list"), _open):
            return False
    tell("cleo and ann have chosen two mailboxes each: nodes of anybody's who lets them, run with one command")
    # Both sides: she says that everybody has been told, and the one who will write knows of both.
    if not await _until(cleo, ("mailbox", "list"), _known) or not await _until(ann, ("contact", "list"), _both_of_cleo):
        return False
    await cleo.go_offline()
    tell("cleo closes the lid")
    words = "The key is under the third pot."
    sent = (await ann.run("send", "--wait", "stored", "--timeout", str(STEP_TIMEOUT_S - 10), "garden", words))[0]
    tell(f"ann: {words} (stored at {sent['stored']} of {sent['copies']} mailboxes)", id=sent["id"], stored=sent["stored"])
    await boxes[0].fail()
    tell("one of the two mailboxes fails, for good")
    await ann.go_offline()
    await bob.go_offline()
    tell("ann and bob close theirs: nobody is there when cleo comes")
    await cleo.come_online([])
    got = await _until(cleo, ("log", "garden", "-n", "20"), lambda rows: _times(rows, words) == 1)
    if got:
        tell(f"cleo is back, alone, and reads: {words}")
    answered = (await cleo.run("send", "--wait", "queued", "garden", "Found it."))[0]["id"]
    stored = await _until(
        cleo, ("net", "why", answered), lambda rows: any(row["name"] == "ann" and row["stored"] for row in rows[0]["devices"])
    )
    await cleo.go_offline()
    await ann.come_online([])
    heard = await _until(ann, ("log", "garden", "-n", "20"), lambda rows: _times(rows, "Found it.") == 1)
    if heard:
        tell("cleo has gone, ann is back, and reads: Found it.")
    return got and stored and heard


def _open(rows: list[dict[str, Any]]) -> bool:
    return len(rows) == 2 and all(row["queues"] and row["ready"] == row["queues"] for row in rows)


def _known(rows: list[dict[str, Any]]) -> bool:
    """Everybody who may write there knows that they may."""
    return all(row["unaware"] == 0 for row in rows)


def _both_of_cleo(rows: list[dict[str, Any]]) -> bool:
    return any(row["name"] == "cleo" and row["mailboxes"] == 2 for row in rows)


def _times(rows: list[dict[str, Any]], words: str) -> int:
    return sum(row["text"] == words for row in rows)


async def _until(player: Player, words: tuple[str, ...], right: Callable[[list[dict[str, Any]]], bool]) -> bool:
    """Whether a command answers so within the time of a step."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(STEP_TIMEOUT_S):
            while not right(await player.run(*words)):
                pass
            return True
    return False
