"""What people make in a channel and do with what was made: polls and votes, edits, reactions. Decided here; `choices` writes it.

Every other node comes to the same by the same logic (`channel.resources`): what is refused here would be without effect there.
"""

from multichat_tui.channel.resources import registry, typed_values, write
from multichat_tui.channel.resources.shape import ActShape, Deed, Plain, Present, ResourceType, Unfit
from multichat_tui.model.acts import UnknownAct
from multichat_tui.model.errors import IntentRefused, NotFound, Refusal
from multichat_tui.model.ids import RecordId
from multichat_tui.model.intents import ActOn, MakeResource
from multichat_tui.model.limits import MAX_DEVICE_REFERENCES, MAX_ETS, MAX_NAMED_ACTS
from multichat_tui.model.ranks import Permission
from multichat_tui.node.act_words import acts_of
from multichat_tui.node.moderating import need
from multichat_tui.node.resources import Resources
from multichat_tui.node.world import Channel, World


class Acting:
    def __init__(self, world: World) -> None:
        self._world = world
        self._resources = Resources(world)

    def make(self, channel: Channel, intent: MakeResource) -> UnknownAct:
        """`errors.IntentRefused`: every other node would refuse it, too."""
        kind = registry().type_named(intent.kind)
        if kind is None or kind.name == "message":
            known = ", ".join(each.name for each in registry().types if each.name != "message")
            raise IntentRefused(Refusal.UNKNOWN, f"There is no {intent.kind[:40]!r} to be made.", f"What can be made: {known}.")
        need(channel.view, self._world.identity.user, kind.makes.permission, kind.makes.doing)
        return write(kind.makes, _values(kind.makes, intent.fields))

    def act(self, channel: Channel, intent: ActOn) -> UnknownAct:
        """`errors.IntentRefused`, `errors.NotFound`."""
        world = self._world
        entry, record = world.txn.entry(intent.record), world.txn.record(intent.record)
        if entry is None or record is None or entry.hidden or entry.channel != channel.id:
            raise NotFound("There is no such message in this channel.")
        found = [each for each in self._resources.made(channel, record, acts_of(record)) if intent.index in (None, each[0])]
        fitting = [(kind, made, shape) for _, kind, made in found if (shape := kind.act(intent.act)) is not None]
        if not fitting:
            what = found[0][1].noun if found else "this"
            raise IntentRefused(Refusal.NOT_ALLOWED, f"{what.capitalize()} is nothing to {_verb(intent.act)}.")
        kind, made, shape = fitting[0]
        rank = need(channel.view, world.identity.user, shape.permission, shape.doing)
        if shape.own and made.user != world.identity.user:
            raise IntentRefused(Refusal.NOT_ALLOWED, f"Only who wrote {kind.noun} can {_verb(shape.name)} it.")
        values = _values(shape, intent.fields)
        mine = world.txn.references(record.id, MAX_DEVICE_REFERENCES, kinds=(shape.number,), by=(world.identity.device,))
        if len(mine) >= MAX_DEVICE_REFERENCES:
            raise IntentRefused(
                Refusal.LIMIT, f"From this device {kind.noun} takes no more than {MAX_DEVICE_REFERENCES} changes of this kind."
            )
        return self._decided(channel, kind, made, shape, values, rank)

    def _decided(
        self, channel: Channel, kind: ResourceType, made: Deed, shape: ActShape, values: dict[str, Plain], rank: int
    ) -> UnknownAct:
        present = self._resources.present(channel, made, kind)
        deed = Deed(
            shape=shape,
            record=RecordId(b""),
            index=0,
            ets=MAX_ETS,
            time_ms=self._world.now,
            user=self._world.identity.user,
            rank=rank,
            moderates=rank >= channel.view.threshold(Permission.MODERATE),
            values=values,
        )
        refused = shape.rule(deed, made, present.slots.get(deed.slot))
        if refused is not None:
            raise IntentRefused(Refusal.NOT_ALLOWED, refused)
        return write(shape, values, (made.record, made.index), _followed(present, deed))


def _followed(present: Present, deed: Deed) -> tuple[RecordId, ...]:
    """What an act says that it follows: the one that counts, and of the others beside it the last."""
    counting = present.slots.get(deed.slot)
    heads = sorted(present.heads.get(deed.slot, ()), key=lambda each: (each is counting, each.order))
    return tuple(dict.fromkeys(each.record for each in reversed(heads)))[:MAX_NAMED_ACTS]


def _values(shape: ActShape, fields: tuple[tuple[str, str], ...]) -> dict[str, Plain]:
    found = typed_values(shape, dict(fields))
    if isinstance(found, Unfit):
        raise IntentRefused(Refusal.NOT_ALLOWED, found.reason)
    return dict(found)


def _verb(name: str) -> str:
    return {"react": "react to", "vote": "vote in"}.get(name, name)
