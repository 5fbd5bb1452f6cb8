"""Rows for front ends, from the store and the world. Reads only."""

from collections.abc import Callable

from multichat_tui.crypto.identity import safety_number
from multichat_tui.model.acts import Style
from multichat_tui.model.channel_settings import RULES, SettingKey
from multichat_tui.model.errors import IntentRefused, NotFound
from multichat_tui.model.exposure import ExposureRow
from multichat_tui.model.hosting import HostRow
from multichat_tui.model.ids import ChannelId, UserId, fingerprint, short
from multichat_tui.model.intents import Part
from multichat_tui.model.lives import life_of, life_setting
from multichat_tui.model.moderation import Foreseen, RosterRow
from multichat_tui.model.ports import Space
from multichat_tui.model.presets import preset_of
from multichat_tui.model.ranks import MEMBER, MUTED, Permission, role_of
from multichat_tui.model.regards import Regard
from multichat_tui.model.snapshots import (
    BanRow,
    ChannelKind,
    ChannelRow,
    ContactRow,
    FormerRow,
    ListedRow,
    MemberRow,
    PermissionRow,
    RulesRow,
    SettingRow,
)
from multichat_tui.model.trust import AlarmKind, TrustRow
from multichat_tui.node.alarms import alarms
from multichat_tui.node.configuring import why_silent
from multichat_tui.node.deciding import Deciding
from multichat_tui.node.exposure import exposure
from multichat_tui.node.gaps import Gaps
from multichat_tui.node.listing import directory, workspaces
from multichat_tui.node.message_rows import UNLISTED, MessageRows, find
from multichat_tui.node.moderating import rank_before_silence
from multichat_tui.node.modlog import Modlog
from multichat_tui.node.names import channel_names, names_of
from multichat_tui.node.node_rows import NodeRows
from multichat_tui.node.petitioning import awaited, waiting_rows
from multichat_tui.node.regards import ignored_devices
from multichat_tui.node.report_rows import ReportRows
from multichat_tui.node.roles import role_names, role_rows
from multichat_tui.node.roster import roster
from multichat_tui.node.standing import decode_held_pairing
from multichat_tui.node.trust_paths import trust_row
from multichat_tui.node.typed import typed_lines
from multichat_tui.node.world import Channel, World

CLOSED = "They have closed their account."


class Rows:
    def __init__(self, world: World) -> None:
        self._world = world
        self._gaps = Gaps(world)
        self.messages = MessageRows(world)
        self.modlog = Modlog(world)
        self.reports = ReportRows(world)
        self.node = NodeRows(world, self.messages)
        self.hosting: Callable[[], HostRow]
        """What this node keeps for others; set by the engine."""

    # People

    def contacts(self) -> tuple[ContactRow, ...]:
        rows = [self.contact(user) for user in self._world.contacts]
        rows.sort(key=lambda row: (row.name.casefold(), row.user))
        return (*rows, *self._pending_pairings())

    def _pending_pairings(self) -> list[ContactRow]:
        rows = []
        for _, value in self._world.txn.scan(Space.PAIRING):
            pairing = decode_held_pairing(value)
            if pairing.user not in self._world.contacts:
                rows.append(
                    ContactRow(
                        user=pairing.user,
                        name=short(pairing.user),
                        verified=False,
                        online=False,
                        safety_number=safety_number(self._world.identity.user, pairing.user),
                        fingerprint=fingerprint(pairing.user),
                        pending=True,
                    )
                )
        return rows

    def contact(self, user: UserId) -> ContactRow:
        world = self._world
        contact = world.contacts[user]
        session = next((s for s in world.peers() if s.user == user), None)
        return ContactRow(
            user=user,
            name=names_of(self._world, set())[user],
            verified=contact.verified,
            online=session is not None,
            safety_number=safety_number(world.identity.user, user),
            fingerprint=fingerprint(user),
            path="" if session is None else session.path.value,
            rtt_ms=None if session is None else session.link_rtt_ms,
            last_seen_ms=contact.last_seen_ms or None,
            closed=world.closed(user),
            alarm=self._alarm(user),
            regard=world.regards.get(user, Regard.NONE),
            mailboxes=len(frozenset().union(*(world.mailboxes_of(each.device) for each in contact.devices.certificates))),
        )

    def _alarm(self, user: UserId) -> AlarmKind | None:
        about = [alarm.kind for alarm in alarms(self._world, user) if not alarm.acknowledged]
        return next((kind for kind in about if kind.alarming), about[0] if about else None)

    def members(self, channel: Channel) -> tuple[MemberRow, ...]:
        world = self._world
        if not channel.rooted:
            return ()
        names = channel_names(self._world, channel)
        # One's own new device has taken the place of the copied one, and so have others'.
        doubtful = {channel.control.user_of(device) for device in world.forked - world.revoked}
        unsettled, roles = channel.view.unsettled, role_names(channel.view)
        rows = [
            MemberRow(
                user=user,
                name=names[user],
                role=roles.get(channel.view.ranks.get(user, MEMBER)) or role_of(channel.view.ranks.get(user, MEMBER)),
                rank=channel.view.ranks.get(user, MEMBER),
                rank_before=rank_before_silence(channel, user) if channel.view.ranks.get(user) == MUTED else MEMBER,
                online=user == world.identity.user or world.online(user),
                me=user == world.identity.user,
                contact=user in world.contacts,
                verified=user in world.contacts and world.contacts[user].verified,
                fingerprint=fingerprint(user),
                forked=user in doubtful,
                provisional=user in unsettled,
                regard=world.regards.get(user, Regard.NONE),
            )
            for user in channel.view.members
        ]
        return tuple(sorted(rows, key=lambda row: (row.role != "founder", row.name.casefold(), row.user)))

    def foresee(self, intents: tuple[Part, ...]) -> tuple[Foreseen, ...]:
        """What would come of each now, by itself."""
        deciding, found = Deciding(self._world), []
        for intent in intents:
            try:
                found.append(Foreseen(acts=len(deciding.decide(intent).acts)))
            except (IntentRefused, NotFound) as refused:
                found.append(Foreseen(refused=refused.message))
        return tuple(found)

    def directory(self, workspace: Channel) -> tuple[ListedRow, ...]:
        return directory(self._world, workspace)

    def exposure(self, channel: Channel, *, lan: bool) -> tuple[ExposureRow, ...]:
        return exposure(self._world, channel, lan=lan)

    def roster(self, channel: Channel) -> tuple[RosterRow, ...]:
        return roster(self._world, channel)

    def trust(self, user: UserId) -> TrustRow:
        return trust_row(self._world, user)

    def rules(self, channel: Channel) -> RulesRow:
        """What holds in a channel; next to nothing of one that has not arrived."""
        if not channel.rooted:
            return RulesRow(rank=None)
        view, names = channel.view, channel_names(self._world, channel)
        banned = names_of(self._world, {*names, *view.bans}) if view.bans.keys() - names.keys() else names
        bans = [
            BanRow(
                user=user,
                name=banned[user],
                level=max(state.level for state in states),
                until_ms=0 if any(not state.until_ms for state in states) else max(state.until_ms for state in states),
                reason=max(states, key=lambda state: state.operation).reason,
            )
            for user, states in view.bans.items()
        ]
        former = [FormerRow(user=user, name=name) for user, name in self._were_here(channel, names)]
        return RulesRow(
            rank=view.rank(self._world.identity.user),
            permissions=tuple(PermissionRow(permission=each, rank=view.threshold(each)) for each in Permission),
            bans=tuple(sorted(bans, key=lambda row: (row.name.casefold(), row.user))),
            former=tuple(sorted(former, key=lambda row: (row.name.casefold(), row.user))),
            kind=None if view.style is Style.DIRECT else preset_of(view.threshold, view.setting, reading=view.public),
            roles=role_rows(view),
            waiting=waiting_rows(self._world, channel, names),
            settings=(
                *(SettingRow(key=key, value=view.setting(key)) for key in RULES),
                SettingRow(key=SettingKey.READING, value=int(bool(view.reading_seed))),
            ),
        )

    def _lets_in(self, channel: Channel) -> bool:
        return channel.rooted and channel.view.may(self._world.identity.user, Permission.ADMIT)

    def _were_here(self, channel: Channel, names: dict[UserId, str]) -> list[tuple[UserId, str]]:
        users = {certificate.user for certificate in channel.control.certificates.values()} - channel.view.members.keys()
        return [(user, names[user]) for user in users]

    # Channels

    def find(self, channel: ChannelId) -> Channel:
        """A channel that shows. `errors.NotFound` if there is none of this id."""
        return find(self._world, channel)

    def channels(self) -> tuple[ChannelRow, ...]:
        shown = [c for c in self._world.channels.values() if c.standing.membership not in UNLISTED]
        spaces = workspaces(self._world)
        rows = [self.channel(c, spaces) for c in shown if self._world.conversation(c)[0] is c]
        return tuple(sorted(rows, key=lambda row: (row.kind is ChannelKind.DIRECT, row.archived, row.name.casefold(), row.id)))

    def channel(self, channel: Channel, spaces: list[Channel] | None = None) -> ChannelRow:
        """`spaces`: the workspaces that we are in, where they are known already."""
        world = self._world
        spaces = workspaces(world) if spaces is None else spaces
        parts = world.conversation(channel)
        ids = tuple(part.id for part in parts)
        partner = world.partner(channel)
        mine = tuple(certificate.device for certificate in world.identity.devices.certificates)
        read = max(part.standing.read_arrival for part in parts)
        unread, mentioned = world.txn.unread(ids, read, (*mine, *ignored_devices(world, parts)))
        newest = world.txn.newest(ids)
        members = channel.view.members if channel.rooted else {}
        if partner is not None:
            name = names_of(self._world, {partner})[partner]
        else:
            name = channel.view.name if channel.rooted else short(channel.id)
        return ChannelRow(
            id=parts[0].id,
            kind=_kind(channel),
            workspaces=tuple(sorted(each.id for each in spaces if channel.id in each.view.directory)),
            name=name,
            topic=channel.view.topic if channel.rooted else "",
            membership=channel.standing.membership,
            unread=unread,
            mentions=unread if partner is not None else mentioned,
            members=len(members),
            online=sum(1 for user in members if user != world.identity.user and world.online(user)),
            read_arrival=read,
            last_ms=0 if newest is None else newest[0],
            draft=parts[0].standing.draft,
            user=partner,
            note=CLOSED if partner is not None and world.closed(partner) else channel.standing.note,
            newest_arrival=0 if newest is None else newest[1],
            waiting=len(awaited(channel)) if self._lets_in(channel) else 0,
            writing=why_silent(world, channel),
            archived=channel.rooted and channel.view.read_only,
            closed=channel.rooted and channel.view.closed,
            keeps_ms=channel.view.setting(SettingKey.RETENTION) if channel.rooted else 0,
            history=channel.view.setting(SettingKey.HISTORY) if channel.rooted else 0,
            lives_ms=life_of(world.txn.get(Space.SETTING, life_setting(parts[0].id).encode())),
            gaps=tuple(gap for part in parts for gap in self._gaps.of(part, channel_names(self._world, part))),
        )

    # What is kept here

    def typed(self, channel: ChannelId | None) -> tuple[str, ...]:
        return typed_lines(self._world, channel)

    def settings(self) -> tuple[tuple[str, str], ...]:
        return tuple((key.decode(), value.decode()) for key, value in self._world.txn.scan(Space.SETTING))


def _kind(channel: Channel) -> ChannelKind:
    kinds = {Style.DIRECT: ChannelKind.DIRECT, Style.WORKSPACE: ChannelKind.WORKSPACE}
    return kinds.get(channel.view.style, ChannelKind.GROUP) if channel.rooted else ChannelKind.GROUP
