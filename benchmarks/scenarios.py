"""What can be simulated: who is there when, in which channels, on which network, and what goes wrong."""

from dataclasses import dataclass, replace

from benchmarks.availability import BOX, LAPTOP, PHONE, Habit, bursts
from multichat_tui.net.simulated import Conditions

QUIET = Conditions(latency_ms=30, jitter_ms=20)
MOBILE = Conditions(latency_ms=60, jitter_ms=80, loss=0.1, duplication=0.02, reordering=0.05, reliable=False)
"""Every tenth frame is lost for good, others come twice or too late: far worse than TCP ever is."""
CELLULAR = Conditions(latency_ms=60, jitter_ms=80, loss=0.1)
"""The same as TCP has it: what every tenth loss costs is time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One population on one network, and what it does. Everything else follows from the seed."""

    name: str
    people: tuple[tuple[Habit, int], ...]
    """How many machines of each habit."""
    channels: int = 1
    members: int = 0
    """Of each channel, drawn by chance; 0 for everybody."""
    mailboxes: int = 0
    """Boxes: they keep what is written for whoever comes."""
    keepers: Habit = BOX
    """When these are there."""
    members_keep: bool = False
    """Boxes are members of the channels beside the others, instead of mailboxes that their members have chosen."""
    hours: float = 24.0
    """During which messages are written; as long again nobody writes any more."""
    messages: int = 50
    """To each channel, by chance over the hours, by whoever is there (or comes next)."""
    conditions: Conditions = QUIET
    skewed: float = 0.0
    """Share of machines whose clocks are up to a day wrong."""
    killed: float = 0.0
    """Share of ends that are the process's death."""
    newcomers: int = 0
    """To each channel during the hours; as many leave."""
    patience_s: float = 15.0
    """Between the first two calls in vain. In days of virtual time those of a second would be most of the work, and whoever comes
    is called at once anyhow, as the network shows them."""
    cut_hours: float = 0.0
    """So long the network falls into two halves; what is measured then is how long they take to be one again."""


def mobiles(mailboxes: int = 0, *, members_keep: bool = False, conditions: Conditions = CELLULAR) -> Scenario:
    """The first scenario of the introduction of a data sync layer: two mobile devices that are mostly offline."""
    return Scenario(
        name="two mobiles",
        people=((PHONE, 2),),
        mailboxes=mailboxes,
        members_keep=members_keep,
        hours=3 * 24,
        messages=100,
        conditions=conditions,
        killed=0.5,
    )


def friends(mailboxes: int) -> Scenario:
    """The same two, whose mailboxes are other people's laptops."""
    return replace(mobiles(mailboxes), name=f"two mobiles and {mailboxes} friends", keepers=LAPTOP)


def mobiles_and_desktop(mailboxes: int = 0, *, members_keep: bool = False) -> Scenario:
    """The second one: a group of mobile devices with a desktop among them."""
    return Scenario(
        name="mobiles and a desktop",
        people=((PHONE, 4), (LAPTOP, 1)),
        mailboxes=mailboxes,
        members_keep=members_keep,
        hours=36,
        messages=50,
        conditions=CELLULAR,
        killed=0.5,
    )


def available(share: float, mailboxes: int, *, members_keep: bool = False) -> Scenario:
    """A channel of six, all there for the same share of the time."""
    return Scenario(
        name=f"there {share:.0%} of the time, {mailboxes} mailboxes",
        people=((bursts(share), 6),),
        mailboxes=mailboxes,
        members_keep=members_keep,
        hours=16,
        messages=40,
        skewed=0.2,
        killed=0.3,
    )


def sized(members: int) -> Scenario:
    """One channel, everybody there, a message every five seconds in the mean: what a message costs."""
    messages = max(100, 4 * members)
    return Scenario(name=f"channel of {members}", people=((BOX, members),), hours=messages * 5 / 3600, messages=messages)


def cut(messages: int, conditions: Conditions = QUIET) -> Scenario:
    """Twenty members on two sides of a cut of six hours, writing on."""
    return Scenario(
        name=f"cut, {messages} messages",
        people=((BOX, 20),),
        messages=messages,
        cut_hours=6.0,
        hours=6.0,
        conditions=conditions,
    )


def town(nodes: int, mailboxes: int = 1) -> Scenario:
    """Seven of ten are phones, a quarter laptops, the rest boxes; a channel for every ten."""
    boxes, laptops = nodes // 20, nodes // 4
    return Scenario(
        name=f"town of {nodes}",
        people=((PHONE, nodes - boxes - laptops), (LAPTOP, laptops), (BOX, boxes)),
        channels=nodes // 10,
        members=12,
        mailboxes=mailboxes,
        members_keep=True,
        hours=4.0,
        messages=12,
        skewed=0.1,
        killed=0.3,
        newcomers=1,
        patience_s=120.0,
        conditions=Conditions(latency_ms=30, jitter_ms=40, loss=0.01),
    )
