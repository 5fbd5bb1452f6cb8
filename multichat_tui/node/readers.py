"""People who read a channel by link without being members: what they are given, page by page, and whenever there is more.

A reader is given what a member is, where the channel lets everybody read and shows newcomers its whole history: the control log
first, then content in the order in which it came; and nothing else, of no other channel. Nothing of readers is stored.
"""

from multichat_tui.crypto.keys import public_key
from multichat_tui.model.frames import MessageFrame, ReadFrame
from multichat_tui.model.ids import PREFIX_SIZE, Log
from multichat_tui.model.invitations import join_seed
from multichat_tui.model.limits import MAX_READERS, MIN_READ_MS
from multichat_tui.model.records import Record
from multichat_tui.model.snapshots import Membership
from multichat_tui.node.pages import Pages
from multichat_tui.node.world import Channel, World
from multichat_tui.sync.chains import ChainKey
from multichat_tui.sync.session import Reader, Role, Session, Watch


def lets_read(channel: Channel) -> bool:
    """Whether this node gives a channel to everybody who holds its link for reading."""
    if not channel.rooted or channel.standing.membership is not Membership.JOINED or channel.shut:
        return False
    return channel.view.public


class Readers:
    def __init__(self, world: World, pages: Pages) -> None:
        self._world = world
        self._pages = pages

    def on_read(self, session: Session, frame: ReadFrame) -> None:
        """Somebody asks for what follows what they hold."""
        world = self._world
        channel = self._channel_of(session)
        if channel is None or frame.join_key != session.join_key or session.role not in (Role.GUEST, Role.READER):
            world.count("read-refused")
            world.close(session, "this channel is not read by link")
            return
        if session.reader is None:
            if sum(each.reader is not None for each in world.sessions.values()) >= MAX_READERS:
                world.close(session, "too many read by link")
                return
            session.role, session.conversation = Role.READER, None
            session.reader = Reader(channel=channel.id)
        reader = session.reader
        held = {(tip.log, tip.device): tip.seq for tip in frame.tips}
        if reader.watch is not None:
            if held == reader.held:
                # What was sent did not come, or cannot be taken: it is sent again when its time is up.
                return
            if not reader.watch.tries:
                session.rtt.measured(world.now - reader.watch.sent_at)
        reader.held = held
        reader.asked = reader.unanswered = True
        reader.watch = None

    def _channel_of(self, session: Session) -> Channel | None:
        """The channel that the link of this session lets one read, unless they are banned from it."""
        if session.join_key is None or session.user is None:
            return None
        for channel in self._world.channels.values():
            if lets_read(channel) and public_key(join_seed(channel.view.reading_seed)) == session.join_key:
                return None if session.user in channel.view.bans else channel
        return None

    def flush(self) -> None:
        """At the end of a batch: give what is due, again what was not answered, and end what is not allowed any more."""
        world = self._world
        for session in list(world.sessions.values()):
            reader = session.reader
            if reader is None or session.closing:
                continue
            channel = world.channels.get(reader.channel)
            if channel is None or self._channel_of(session) is not channel:
                world.close(session, "reading by link has ended")
                continue
            if reader.watch is not None and reader.watch.next_at <= world.now:
                reader.asked = True
            if reader.asked and reader.due_at <= world.now:
                self._give(session, channel, reader)

    def _give(self, session: Session, channel: Channel, reader: Reader) -> None:
        world = self._world
        records = self._lacking(channel, reader)
        if records:
            tries = 0 if reader.watch is None else reader.watch.tries + 1
            self._pages.tell(session, channel, records)
            reader.watch = Watch(sent_at=world.now, next_at=world.now + session.rtt.timeout_ms(tries), tries=tries)
            reader.asked = False
            reader.due_at = world.now + MIN_READ_MS
        elif reader.unanswered:
            # That there is nothing is said, too; when there is something it comes by itself.
            world.send(session, MessageFrame(channel=channel.id[:PREFIX_SIZE]))
            reader.due_at = world.now + MIN_READ_MS
        reader.unanswered = False

    def _lacking(self, channel: Channel, reader: Reader) -> list[Record]:
        """The next page: of the control log as long as something of that is lacking."""
        for log in Log:
            ranges: dict[ChainKey, tuple[int, int]] = {}
            for key, end in channel.chains.ends.items():
                after = reader.held.get(key, -1)
                if key[0] is log and end.seq > after:
                    ranges[key] = (after + 1, end.seq)
            page = self._pages.page(channel, ranges) if ranges else []
            if page:
                return page
        return []

    def wake_times(self) -> list[int]:
        times = []
        for session in self._world.sessions.values():
            reader = session.reader
            if reader is not None and reader.watch is not None:
                times.append(max(reader.watch.next_at, reader.due_at))
            elif reader is not None and reader.asked and reader.due_at > self._world.now:
                times.append(reader.due_at)
        return times
