"""Planted faults, and the tests that must find them: `python -m tests.mutants [NAME ...]`.

Each mutant replaces one piece of the program in a copy of it; the tests named with it must then fail. One that survives
means that a test cannot fail for what it claims to show.
"""

import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
TIMEOUT_S = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """`old` occurs in `file` exactly once; `tests` is what pytest is given."""

    name: str
    file: str
    old: str
    new: str
    tests: str


MODERATION = "tests/simulation/test_moderation_stories.py"
FIVE = "tests/simulation/test_five_nodes.py"
BOUNDS = "tests/unit/node/test_node_bounds.py"
FORKS_FAR_BEHIND = "tests/simulation/test_forks_far_behind.py"
GAPS_THAT_STAY = "tests/simulation/test_gaps_stories.py"
GAPS = "tests/simulation/test_gaps.py"
FORKS = "tests/simulation/test_fork_stories.py"
AUTHORITY = "tests/property/test_authority_properties.py"
CONTROL = "tests/property/test_control_properties.py"
HANDSHAKE = "tests/unit/crypto/test_crypto_handshake.py"
DOOR = "tests/unit/net/test_net_door.py"
NETWORKS = "tests/contract/test_network_contract.py"
DEVICES = "tests/simulation/test_device_stories.py"
LINKS = "tests/unit/net/test_net_link.py"
COVERS = "tests/unit/node/test_node_covers.py tests/unit/sync/test_sync_runs.py"
LINE = "tests/unit/headless/test_headless_line.py"
SEARCH = "tests/contract/test_store_search_contract.py"
SAS = "tests/unit/crypto/test_crypto_sas.py"
IMPOSTORS = "tests/unit/node/test_node_impostors.py"
EXHAUSTION = "tests/unit/node/test_node_exhaustion.py"
COMPARING = "tests/simulation/test_comparison_stories.py"
CONFORMANCE = "tests/unit/headless/test_headless_conformance.py"
READER = "tests/property/test_second_reader_agreement.py"
TYPED = "tests/simulation/test_typed_stories.py"
TYPED_UI = "tests/ui/test_ui_typed.py"
SENDING = "tests/ui/test_ui_sending.py tests/ui/test_ui_thread.py"
IN_ORDER = "tests/ui/test_ui_in_order.py"

REGARDS = "tests/simulation/test_regard_stories.py"
ASKING = "tests/simulation/test_request_stories.py"

MUTANTS = (
    Mutant(
        name="what ignored people write counts as unread",
        file="multichat_tui/node/rows.py",
        old="(*mine, *ignored_devices(world, parts))",
        new="mine",
        tests=REGARDS,
    ),
    Mutant(
        name="a search finds what ignored people wrote",
        file="multichat_tui/node/message_rows.py",
        old="not_by = tuple(world.regards.keys() - set(search.users))",
        new="not_by = ()",
        tests=REGARDS,
    ),
    Mutant(
        name="messages of somebody blocked are taken in the conversation of before",
        file="multichat_tui/node/regarding.py",
        old="channel.shut = partner is not None and",
        new="channel.shut = False and partner is not None and",
        tests=REGARDS,
    ),
    Mutant(
        name="whom the user has blocked is called",
        file="multichat_tui/node/world.py",
        old="for certificate in () if self.blocked(contact.user) else contact.devices.living:",
        new="for certificate in contact.devices.living:",
        tests=REGARDS,
    ),
    Mutant(
        name="whom the user has blocked may pair",
        file="multichat_tui/node/pairing.py",
        old="        if world.blocked(devices.user):\n            # Not answered",
        new="        if False:\n            # Not answered",
        tests=REGARDS,
    ),
    Mutant(
        name="strangers come straight in",
        file="multichat_tui/node/asking.py",
        old="return user in world.contacts or any(",
        new="return True or any(",
        tests=ASKING,
    ),
    Mutant(
        name="of a request any number of records is taken",
        file="multichat_tui/node/world.py",
        old="self.taken < MAX_REQUEST_RECORDS",
        new="True",
        tests=ASKING,
    ),
    Mutant(
        name="a restart makes room for more of a request",
        file="multichat_tui/node/asking.py",
        old="channel.taken = sum(",
        new="channel.taken = 0 * sum(",
        tests=ASKING,
    ),
    Mutant(
        name="who was declined asks again",
        file="multichat_tui/node/asking.py",
        old="or user in world.declined or",
        new="or",
        tests=ASKING,
    ),
    Mutant(
        name="through one channel all may ask at once",
        file="multichat_tui/node/asking.py",
        old="if taken.get(c, 0) < MAX_REQUESTS_PER_CHANNEL",
        new="if True",
        tests=ASKING,
    ),
    Mutant(
        name="a request is announced like a message",
        file="multichat_tui/node/timeline.py",
        old="if entry.hidden or channel.standing.membership is Membership.ASKED:",
        new="if entry.hidden:",
        tests=ASKING,
    ),
    Mutant(
        name="a reply quotes what is ignored",
        file="multichat_tui/ui/quotes.py",
        old="    if row.ignored:",
        new="    if False:",
        tests="tests/ui/test_ui_regards.py",
    ),
    Mutant(
        name="keys that a silent node answers late are waited for one after the other",
        file="multichat_tui/ui/in_order.py",
        old="0.0 if self._late else ",
        new="",
        tests=IN_ORDER,
    ),
    Mutant(
        name="a click overtakes the keys before it",
        file="multichat_tui/ui/app.py",
        old="if isinstance(event, events.Key | events.Paste | events.MouseEvent) and",
        new="if isinstance(event, events.Key | events.Paste) and",
        tests=IN_ORDER,
    ),
    Mutant(
        name="a channel is shown without its messages where they would come at once",
        file="multichat_tui/ui/front.py",
        old="await asyncio.wait({load}, timeout=SHOWN_S)",
        new="await asyncio.wait({load}, timeout=0)",
        tests=IN_ORDER,
    ),
    Mutant(
        name="what comes while a channel is being opened is lost",
        file="multichat_tui/ui/front.py",
        old="        for event in self._meanwhile:\n            self._to_open(event)\n",
        new="",
        tests=IN_ORDER,
    ),
    Mutant(
        name="what is entered goes to where one is when its turn comes",
        file="multichat_tui/ui/outbox.py",
        old="text, place = entered.text, entered.place",
        new="text, place = entered.text, screen.front.place",
        tests=SENDING,
    ),
    Mutant(
        name="what was entered and erased is done all the same",
        file="multichat_tui/ui/outbox.py",
        old="if each.place != place or text.startswith(each.text))",
        new="if each.text)",
        tests=SENDING,
    ),
    Mutant(
        name="a channel that is long in coming takes the keyboard away",
        file="multichat_tui/ui/outbox.py",
        old="if outcome.open_channel is not None and text and screen.written(place).strip():",
        new="if outcome.open_channel is not None and not text and line is None:",
        tests=SENDING,
    ),
    Mutant(
        name="the last keys before another text is shown are lost",
        file="multichat_tui/ui/main.py",
        old="        composer, drafts = self.composer, self.front.drafts\n        self.note_text()\n",
        new="        composer, drafts = self.composer, self.front.drafts\n",
        tests=SENDING,
    ),
    Mutant(
        name="an Enter meant for a message deletes the profile",
        file="multichat_tui/ui/closed.py",
        old='event.key == "enter" and self._typed == DELETE',
        new='event.key == "enter"',
        tests="tests/ui/test_ui_closed.py",
    ),
    Mutant(
        name="Enter in the search goes to what an older text has found",
        file="multichat_tui/ui/search.py",
        old="self._going = self.finder.searching",
        new="self._going = False",
        tests=IN_ORDER,
    ),
    Mutant(
        name="keys go where the first of a burst was pressed",
        file="multichat_tui/ui/in_order.py",
        old="await self._done(target)",
        new="pass",
        tests="tests/ui/test_ui_in_order.py",
    ),
    Mutant(
        name="keys do not wait for the channel that one of them opens",
        file="multichat_tui/ui/in_order.py",
        old="self._begun.append((done, asyncio.get_running_loop().time() + patience_s))",
        new="pass",
        tests="tests/ui/test_ui_in_order.py",
    ),
    Mutant(
        name="what is typed behind a command does not wait for it if messages before it are still being sent",
        file="multichat_tui/ui/outbox.py",
        old="            screen.move(self._sent())",
        new="            pass",
        tests="tests/ui/test_ui_in_order.py",
    ),
    Mutant(
        name="a message on its way takes along what is written behind it",
        file="multichat_tui/ui/front.py",
        old="self.drafts.edit(place, draft[len(text) :])",
        new='self.drafts.edit(place, "")',
        tests=SENDING,
    ),
    Mutant(
        name="what is typed behind a passphrase goes to the channel that it opens",
        file="multichat_tui/ui/in_order.py",
        old="        self._waiting.clear()\n        self._heard_from = time.monotonic()\n",
        new="        pass\n",
        tests="tests/ui/test_ui_devices.py",
    ),
    Mutant(
        name="the passphrase is asked for once, and what follows is written in the open",
        file="multichat_tui/ui/panel.py",
        old="        self._tried(self, event.value)",
        new="        self.dismiss()\n        self._tried(self, event.value)",
        tests="tests/ui/test_ui_devices.py",
    ),
    Mutant(
        name="a comparison is answered whose words were not shown",
        file="multichat_tui/node/api/commands/trust.py",
        old="if said is not Answer.CANCEL and row.id not in call.compared:",
        new="if said is Answer.CANCEL and row.id not in call.compared:",
        tests="tests/unit/node_api/test_api_commands.py",
    ),
    Mutant(
        name="links that are closed in a batch count until its end",
        file="multichat_tui/node/engine.py",
        old="others = [s for s in world.peers() if s.device == session.device and not s.closing]",
        new="others = [s for s in world.peers() if s.device == session.device]",
        tests=EXHAUSTION,
    ),
    Mutant(
        name="who comes in keeps all the links that he came over",
        file="multichat_tui/node/guests.py",
        old="elif len(others) >= LINKS_PER_DEVICE:",
        new="elif len(others) > 100 * LINKS_PER_DEVICE:",
        tests=EXHAUSTION,
    ),
    Mutant(
        name="links under invitations stand for ever",
        file="multichat_tui/node/guests.py",
        old="return max(session.began_at, session.moved_at) + GUEST_LINK_MS",
        new="return max(session.began_at, session.moved_at) + 1000 * GUEST_LINK_MS",
        tests=EXHAUSTION,
    ),
    Mutant(
        name="addresses of strangers are kept",
        file="multichat_tui/node/engine.py",
        old="        if session.role is Role.PEER:\n            self._dialing.reached(session)\n        else:",
        new="        self._dialing.reached(session)\n        if session.role is not Role.PEER:",
        tests=EXHAUSTION,
    ),
    Mutant(
        name="every channel of a link has a parking of its own",
        file="multichat_tui/node/arrivals.py",
        old="Parking(world.grounds, session.device)",
        new="Parking()",
        tests=EXHAUSTION,
    ),
    Mutant(
        name="what a link has parked outlives it",
        file="multichat_tui/node/exchange.py",
        old="            parking.clear()\n",
        new="            pass\n",
        tests=EXHAUSTION,
    ),
    Mutant(
        name="all devices together may park as much as they like",
        file="multichat_tui/sync/parking.py",
        old="while self.size > PARKED_BYTES:",
        new="while not self.size:",
        tests="tests/unit/sync/test_sync_parking.py",
    ),
    Mutant(
        name="a parked item keeps the whole table that it came with",
        file="multichat_tui/sync/parking.py",
        old="if len(self.devices) <= len(named):",
        new="if self.devices:",
        tests="tests/unit/sync/test_sync_parking.py",
    ),
    Mutant(
        name="a server's signature covers something else than it should",
        file="multichat_tui/crypto/proofs.py",
        old='digest("mc.hs.said", self.certificate_hash, self.server_nonce, self.client_hello, body)',
        new='digest("mc.hs.said", self.server_nonce, self.certificate_hash, self.client_hello, body)',
        tests=CONFORMANCE,
    ),
    Mutant(
        name="announced tokens count days in another way",
        file="multichat_tui/net/announcement.py",
        old='day.to_bytes(8, "big", signed=True)',
        new='day.to_bytes(4, "big", signed=True)',
        tests=CONFORMANCE,
    ),
    Mutant(
        name="links are checked by other bytes",
        file="multichat_tui/model/invitations.py",
        old='    return digest("mc.link", body)[:4]',
        new='    return digest("mc.link", body)[-4:]',
        tests=CONFORMANCE,
    ),
    Mutant(
        name="a requested range may end before it begins",
        file="multichat_tui/model/frame_bytes.py",
        old='last=as_int(parts[3], "last", MAX_INTEGER, first),',
        new='last=as_int(parts[3], "last", MAX_INTEGER),',
        tests=READER,
    ),
    Mutant(
        name="an address in a link may hold any characters",
        file="multichat_tui/model/invitations.py",
        old='if any(not "!" <= char <= "~" for char in address):',
        new="if not address:",
        tests=READER,
    ),
    Mutant(
        name="a key that was not committed to is taken",
        file="multichat_tui/crypto/sas.py",
        old="return equal(commitment, commit(comparison, public))",
        new="return True",
        tests=SAS,
    ),
    Mutant(
        name="the words do not depend on the link",
        file="multichat_tui/node/comparison.py",
        old="binding=self.binding,",
        new="binding=bytes(32),",
        tests=SAS,
    ),
    Mutant(
        name="a command waits for the comparison that gave way",
        file="multichat_tui/headless/verbs/trust.py",
        old="            self._comparison = None  # both began",
        new="            pass  # both began",
        tests="tests/unit/headless/test_headless_verifying.py",
    ),
    Mutant(
        name="one side alone verifies",
        file="multichat_tui/node/comparisons.py",
        old="        if comparison.theirs is not None:\n            self._complete(comparison)",
        new="        comparison.theirs = comparison.them.user + comparison.them.device\n        self._complete(comparison)",
        tests=COMPARING,
    ),
    Mutant(
        name="whoever holds somebody's list is taken for them",
        file="multichat_tui/node/comparisons.py",
        old=" and claim_holds(DeviceId(parts[0]), claim, parts[3])",
        new="",
        tests=IMPOSTORS,
    ),
    Mutant(
        name="a contact may begin comparisons until the words please",
        file="multichat_tui/node/comparisons.py",
        old="if len(recent) >= MAX_COMPARISONS_ASKED:",
        new="if len(recent) > 1000:",
        tests=IMPOSTORS,
    ),
    Mutant(
        name="strangers are answered until the batch ends",
        file="multichat_tui/node/comparisons.py",
        old="if world.window.tries >= MAX_NEARBY_TRIES:",
        new="if world.window.tries > 1000:",
        tests=IMPOSTORS,
    ),
    Mutant(
        name="a contact is made with a list that none can follow",
        file="multichat_tui/node/pairing.py",
        old="if devices.number >= MAX_LIST_NUMBER:",
        new="if devices.number < 0:",
        tests=IMPOSTORS,
    ),
    Mutant(
        name="the newest comparison takes the place of the one on the screen",
        file="multichat_tui/ui/comparing.py",
        old="return next((row for row in rows if row.id == shown), waiting)",
        new="return waiting",
        tests="tests/ui/test_ui_comparing.py",
    ),
    Mutant(
        name="whoever gives out another's key as his own stands before the other",
        file="multichat_tui/crypto/handshake.py",
        old="                if isinstance(judged, Proven):\n                    return judged",
        new="                return judged",
        tests="tests/unit/crypto/test_crypto_handshake.py",
    ),
    Mutant(
        name="words that differed leave one visible",
        file="multichat_tui/node/meeting.py",
        old="self._close(DIFFERENT_NOTE)",
        new="pass",
        tests=COMPARING,
    ),
    Mutant(
        name="hidden-messages-are-found",
        file="multichat_tui/store/sqlite.py",
        old="and e.arrival = t.arrival and e.hidden = 0 and",
        new="and e.arrival = t.arrival and",
        tests=SEARCH,
    ),
    Mutant(
        name="what-is-forgotten-stays-in-the-index",
        file="multichat_tui/store/sqlite.py",
        old="                self._index.drop(text)\n        database.run",
        new="                pass\n        database.run",
        tests="tests/unit/store/test_store_search.py",
    ),
    Mutant(
        name="deleted-words-stay-in-the-pages",
        file="multichat_tui/store/migrations/0002_search.sql",
        old="insert into found (found, rank) values ('secure-delete', 1);",
        new="",
        tests="tests/unit/store/test_store_search.py",
    ),
    Mutant(
        name="what-was-typed-is-an-operator",
        file="multichat_tui/store/search.py",
        old="""f'words : "{" ".join(words)}"{" *" if prefix else ""}'""",
        new="""f'words : {" ".join(words)}{" *" if prefix else ""}'""",
        tests=SEARCH,
    ),
    Mutant(
        name="left-channels-are-searched",
        file="multichat_tui/node/message_rows.py",
        old="limit=limit, without=left, not_by",
        new="limit=limit, not_by",
        tests="tests/unit/node/test_node_search.py",
    ),
    Mutant(
        name="an-answer-shows-for-a-text-that-is-gone",
        file="multichat_tui/ui/finding.py",
        old="                if text == self._text:\n                    self._take(answer)",
        new="                self._text = text\n                self._take(answer)",
        tests="tests/ui/test_ui_search.py",
    ),
    Mutant(
        name="catching-up-is-never-over",
        file="multichat_tui/node/catching_up.py",
        old="self._world.tell_progress(NAME, WHAT, self._most, self._most)",
        new="self._world.tell_progress(NAME, WHAT, self._most - 1, self._most)",
        tests="tests/simulation/test_catching_up.py",
    ),
    Mutant(
        name="marking-read-goes-beyond-what-is-here",
        file="multichat_tui/node/choices.py",
        old="(newest[1] if newest is not None else 0)",
        new="(newest[1] + 100 if newest is not None else 0)",
        tests="tests/simulation/test_channel_stories.py",
    ),
    Mutant(
        name="a-reply-leaves-its-channel",
        file="multichat_tui/node/api/lookup.py",
        old="if row is not None and channel in (None, row.channel) else {}",
        new="if row is not None else {}",
        tests="tests/unit/test_cli.py",
    ),
    Mutant(
        name="mentions-are-not-read-for",
        file="multichat_tui/ui/performer.py",
        old="            await front.rows.more(before=step < 0)",
        new="            await front.rows.more(before=step > 0)",
        tests="tests/ui/test_ui_timeline.py",
    ),
    Mutant(
        name="delivered-before-dependencies",
        file="multichat_tui/node/ledger.py",
        old="""absent = self._absent(channel, header)
        if absent:
            branch""",
        new="""absent: tuple[RecordId, ...] = ()
        if absent:
            branch""",
        tests="tests/unit/node/test_node_hostile.py",
    ),
    Mutant(
        name="who-offered-a-record-is-not-told",
        file="multichat_tui/node/offers.py",
        old="ends[k].seq > told.get(k, -1))",
        new="not first)",
        tests="tests/simulation/test_channel_stories.py",
    ),
    Mutant(
        name="receipts-are-believed-unchecked",
        file="multichat_tui/node/receipts.py",
        old="if not channel.serves(receipt.device) or not receipt_holds(receipt):",
        new="if not channel.serves(receipt.device):",
        tests="tests/simulation/test_greetings.py",
    ),
    Mutant(
        name="receipts-are-not-passed-on",
        file="multichat_tui/node/receipts.py",
        old="        self._keep(channel, receipt, session)\n",
        new="        channel.receipts[receipt.device] = receipt\n",
        tests="tests/simulation/test_greetings.py",
    ),
    Mutant(
        name="only-what-is-believed-missing-is-offered",
        file="multichat_tui/node/acks.py",
        old="if pending.nothing_beyond and not session.had_news:",
        new="if False:",
        tests="tests/simulation/test_greetings.py",
    ),
    Mutant(
        name="what-is-shown-again-takes-a-second-place",
        file="multichat_tui/store/sqlite.py",
        old="if entry.id not in self._appended or entry.arrival in self._shown:",
        new="if entry.id not in self._appended:",
        tests="tests/contract/test_store_search_contract.py tests/contract/test_store_contract.py",
    ),
    Mutant(
        name="what-peers-hold-is-not-written",
        file="multichat_tui/store/sqlite.py",
        old="        self._chains.write()\n        self._write_acknowledged()\n",
        new="        self._chains.write()\n",
        tests="tests/contract/test_store_contract.py",
    ),
    Mutant(
        name="a-header-is-believed-as-it-is-read",
        file="multichat_tui/model/records.py",
        old="return header if encode_header(header) == encoded else None",
        new="return header",
        tests="tests/property/test_record_properties.py",
    ),
    Mutant(
        name="a-text-may-be-longer-than-it-says",
        file="multichat_tui/model/codec.py",
        old="if length < 0 or encoded[at:begin] != _head(_TEXT, length):",
        new="if length < 0:",
        tests="tests/property/test_record_properties.py",
    ),
    Mutant(
        name="any-table-of-devices-will-do",
        file="multichat_tui/node/offers.py",
        old="if vector.table != numbers.tag or any(",
        new="if any(",
        tests="tests/simulation/test_greetings.py",
    ),
    Mutant(
        name="who-was-removed-is-served-on",
        file="multichat_tui/node/world.py",
        old="return certificate.user in self.view.members and device not in self.view.revocations",
        new="return True",
        tests="tests/simulation/test_many_nodes.py",
    ),
    Mutant(
        name="a-rolled-back-submit-is-answered",
        file="multichat_tui/node/service.py",
        old="            waiting.result = None\n            if waiting.error is None:",
        new="            if waiting.error is None and waiting.result is None:",
        tests=FIVE,
    ),
    Mutant(
        name="ordered-by-arrival",
        file="multichat_tui/node/timeline.py",
        old="            ets=header.ets,\n            arrival=arrival,",
        new="            ets=arrival,\n            arrival=arrival,",
        tests=FIVE,
    ),
    Mutant(
        name="nothing-is-offered-again",
        file="multichat_tui/node/exchange.py",
        old="                if watch.next_at <= world.now:",
        new="                if watch.next_at < 0:",
        tests=FIVE,
    ),
    Mutant(
        name="nothing-is-asked-for-again",
        file="multichat_tui/node/requests.py",
        old="and world.now < want.deadline and want.last > held:",
        new="and want.last > held:",
        tests=FIVE,
    ),
    Mutant(
        name="repetitions-are-delivered-again",
        file="multichat_tui/node/ledger.py",
        old="        if (header.seq <= held or key in channel.chains.islands) and world.txn.holds(record.id):",
        new="        if header.seq < 0:",
        tests="tests/unit/node/test_node_hostile.py",
    ),
    Mutant(
        name="the-first-branch-stands-alone",
        file="multichat_tui/node/ledger.py",
        old="        if (header.seq <= held or key in channel.chains.islands) and world.txn.holds(record.id):",
        new="        if header.seq <= held:",
        tests=FORKS,
    ),
    Mutant(
        name="any-record-may-be-followed",
        file="multichat_tui/node/ledger.py",
        old="        if not self._follows(channel, header):",
        new="        if header is None:",
        tests=FORKS,
    ),
    Mutant(
        name="a-copy-goes-on-writing",
        file="multichat_tui/node/ledger.py",
        old="            self._branches.own_copy()\n",
        new="            pass\n",
        tests=FORKS,
    ),
    Mutant(
        name="anybody-stops-a-node",
        file="multichat_tui/node/branches.py",
        old="        lacking[tip] = Asked(again_at=self._world.now)\n",
        new="        lacking[tip] = Asked(again_at=self._world.now)\n"
        "        if tip.device == self._world.identity.device[:PREFIX_SIZE]:\n            self.own_copy()\n",
        tests=FORKS,
    ),
    Mutant(
        name="numbers-that-go-back-are-believed",
        file="multichat_tui/node/incarnations.py",
        old="if doubt is Doubt.NONE and goes_back(session.incarnation, greatest):",
        new="if doubt is None:",
        tests=FORKS,
    ),
    Mutant(
        name="forked-devices-keep-their-links",
        file="multichat_tui/node/incarnations.py",
        old="            if session.device in world.forked:\n                self._shorten(session)\n",
        new="",
        tests=FORKS,
    ),
    Mutant(
        name="a-second-link-is-taken-for-a-restart",
        file="multichat_tui/node/engine.py",
        old="            self._incarnations.doubt(existing)\n",
        new="",
        tests="tests/unit/node/test_node_two_links.py",
    ),
    Mutant(
        name="branches-without-bound",
        file="multichat_tui/node/branches.py",
        old="if leaves is None or len(leaves) < MAX_BRANCHES or record.header.prev in leaves:",
        new="if leaves is None or leaves:",
        tests=FORKS,
    ),
    Mutant(
        name="branches-are-not-asked-for",
        file="multichat_tui/node/branches.py",
        old="        lacking[tip] = Asked(again_at=self._world.now)\n",
        new="",
        tests=FORKS,
    ),
    Mutant(
        name="branches-are-forgotten-by-a-restart",
        file="multichat_tui/sync/chains.py",
        old="            if leaf is not None:\n",
        new="            if leaf is None:\n",
        tests=FORKS,
    ),
    Mutant(
        name="one-tip-to-a-forked-chain",
        file="multichat_tui/sync/chains.py",
        old="key=lambda leaf: (leaf not in heads, leaf))[:MAX_BRANCHES]",
        new="key=lambda leaf: (leaf not in heads, leaf))[:1]",
        tests=FORKS,
    ),
    Mutant(
        name="signatures-are-not-looked-at",
        file="multichat_tui/node/ledger.py",
        old="        elif not verify(header.device, signed_bytes(record.id), record.signature):\n            world.count",
        new="        elif not record.signature:\n            world.count",
        tests="tests/unit/node/test_node_hostile.py",
    ),
    Mutant(
        name="strangers-are-served",
        file="multichat_tui/node/requests.py",
        old="not channel.serves(session.device):\n            return\n        for entry in request.ranges",
        new="False:\n            return\n        for entry in request.ranges",
        tests="tests/unit/node/test_node_hostile.py",
    ),
    Mutant(
        name="guests-are-heard",
        file="multichat_tui/node/engine.py",
        old="case _ if session.role is Role.GUEST:",
        new="case _ if session.role is None:",
        tests="tests/unit/node/test_node_hostile.py",
    ),
    Mutant(
        name="removed-members-still-invite",
        file="multichat_tui/channel/authority.py",
        old="lowers(other, operation.user, k) and self.level(other, k + 1) > k for other in about.beside(operation, self.mask)",
        new="other is operation for other in about.beside(operation, self.mask)",
        tests=CONTROL,
    ),
    Mutant(
        name="uses-are-not-counted",
        file="multichat_tui/channel/authority.py",
        old="if holds and not elsewhere and (len(places.users) < invite.uses or joined(admit) in places.users):",
        new="if holds and not elsewhere:",
        tests=CONTROL,
    ),
    Mutant(
        name="what-lies-beside-an-ending-is-not-decided-again",
        file="multichat_tui/channel/subjects.py",
        old="mask |= self._authored.get(user, self._nothing).mask",
        new="mask |= 0",
        tests=CONTROL,
    ),
    Mutant(
        name="a-later-admit-keeps-its-place-before-an-earlier-one",
        file="multichat_tui/channel/authority.py",
        old="self._places[name] = places.before(operation)",
        new="self._places[name] = places.copy()",
        tests=CONTROL,
    ),
    Mutant(
        name="who-came-in-beside-a-close-stays",
        file="multichat_tui/channel/subjects.py",
        old="found |= self.admits(named[1].join_key).mask",
        new="found |= 0",
        tests=CONTROL,
    ),
    Mutant(
        name="all-who-ever-left-are-counted-again-each-time",
        file="multichat_tui/node/timeline.py",
        old="ended = {ending.user for ending in set(before.endings) ^ set(after.endings)}",
        new="ended = {ending.user for ending in after.endings}",
        tests="tests/unit/node/test_node_recounting.py",
    ),
    Mutant(
        name="leaving-is-forgotten",
        file="multichat_tui/channel/authority.py",
        old="if not covered & operation.bit and self.level(operation, leaves) >= leaves:",
        new="if not covered & operation.bit and self.level(operation, leaves) > FOUNDER:",
        tests=CONTROL,
    ),
    Mutant(
        name="topics-by-arrival",
        file="multichat_tui/channel/authority.py",
        old="winner = max(found, key=lambda op: (self.level(op), op.order))",
        new="winner = max(found, key=lambda op: op.index)",
        tests=CONTROL,
    ),
    Mutant(
        name="links-are-not-bound-to-the-certificate",
        file="multichat_tui/crypto/handshake.py",
        old="    return certificate_hash\n",
        new="    return bytes(CERTIFICATE_HASH_BYTES)\n",
        tests=HANDSHAKE,
    ),
    Mutant(
        name="a-server-need-not-hold-the-key",
        file="multichat_tui/crypto/handshake.py",
        old="if not said.shows_key(credential.key, proof):",
        new="if not proof.token:",
        tests=HANDSHAKE,
    ),
    Mutant(
        name="a-client-need-not-hold-the-join-key",
        file="multichat_tui/crypto/handshake.py",
        old="or not verify(credential.join_key, binding.join_signed_bytes(claims.certificate.encoded), claims.join_signature)",
        new="or not claims.join_signature",
        tests=HANDSHAKE,
    ),
    Mutant(
        name="any-device-under-a-pair-key",
        file="multichat_tui/crypto/handshake.py",
        old="if claims.device != credential.device:",
        new="if claims.device is None:",
        tests=HANDSHAKE,
    ),
    Mutant(
        name="clients-need-not-sign",
        file="multichat_tui/crypto/handshake.py",
        old="if not verify(self._pending.device, client_signed_bytes(self._heard), proof):",
        new="if not proof:",
        tests=HANDSHAKE,
    ),
    Mutant(
        name="servers-need-not-sign",
        file="multichat_tui/crypto/handshake.py",
        old="if not said.signed_by(claims.device, proof):",
        new="if not proof.signature:",
        tests=HANDSHAKE,
    ),
    Mutant(
        name="certificates-in-links-are-not-checked",
        file="multichat_tui/crypto/handshake.py",
        old="or not certificate_holds(certificate):",
        new=":",
        tests=HANDSHAKE,
    ),
    Mutant(
        name="no-limit-per-address",
        file="multichat_tui/net/door.py",
        old="if self._inside[address] >= MAX_UNAUTHENTICATED_PER_ADDRESS:",
        new="if self._inside[address] < 0:",
        tests=DOOR,
    ),
    Mutant(
        name="no-limit-of-strangers",
        file="multichat_tui/net/door.py",
        old="if self.strangers >= MAX_UNAUTHENTICATED:",
        new="if self.strangers < 0:",
        tests=DOOR,
    ),
    Mutant(
        name="strangers-may-stay",
        file="multichat_tui/net/acceptor.py",
        old="call_later(self._acceptor.timeout_s, self._expire)",
        new="call_later(3600, self._expire)",
        tests=DOOR,
    ),
    Mutant(
        name="strangers-may-flood",
        file="multichat_tui/net/link.py",
        old="if self._unproven_bytes > MAX_UNPROVEN_BYTES:",
        new="if self._unproven_bytes < 0:",
        tests=LINKS,
    ),
    Mutant(
        name="a-tls-state-for-every-stranger",
        file="multichat_tui/net/tls.py",
        old="        if not server:\n            self._begin(server=False)\n            self._shake()",
        new="        self._begin(server=server)\n        if not server:\n            self._shake()",
        tests=DOOR,
    ),
    Mutant(
        name="no-bound-on-the-outbox",
        file="multichat_tui/net/link.py",
        old="if self.channel.unsent_bytes + len(frame) > MAX_LINK_OUTBOX_BYTES:",
        new="if self.channel.unsent_bytes < 0:",
        tests=NETWORKS,
    ),
    Mutant(
        name="silence-is-not-noticed",
        file="multichat_tui/net/link.py",
        old="if not self.channel.paused and self.channel.heard_s <= self._pinged_s:",
        new="if self.channel.closed:",
        tests=LINKS,
    ),
    Mutant(
        name="the-day-changes-nothing",
        file="multichat_tui/net/network.py",
        old="if self._today() != life.day:",
        new="if self._today() < 0:",
        tests=LINKS,
    ),
    Mutant(
        name="tokens-hold-for-any-address",
        file="multichat_tui/net/announcement.py",
        old='port.to_bytes(2, "big"), _pack(addresses)\n',
        new='port.to_bytes(2, "big")\n',
        tests="tests/unit/net/test_net_announcement.py",
    ),
    Mutant(
        name="fewer-tokens-for-fewer-peers",
        file="multichat_tui/net/announcement.py",
        old="range(ANNOUNCED_TOKENS - len(tokens))",
        new="range(1)",
        tests="tests/unit/net/test_net_announcement.py",
    ),
    Mutant(
        name="every-interface-tells-of-all",
        file="multichat_tui/net/neighbourhood.py",
        old='_confine(socket_of.transport.get_extra_info("socket"), self.interface)',
        new="_ = _confine",
        tests="tests/lan/test_lan_discovery.py",
    ),
    Mutant(
        name="unplugged-interfaces-count",
        file="multichat_tui/net/addresses.py",
        old="return bool(flags & IFF_RUNNING)",
        new="return bool(flags)",
        tests="tests/lan/test_lan_discovery.py",
    ),
    Mutant(
        name="the-twin-takes-anybody",
        file="multichat_tui/net/simulated.py",
        old="and ours.device == dialler.device",
        new="and ours.device is not None",
        tests=NETWORKS,
    ),
    Mutant(
        name="a-revoked-device-goes-on-acting",
        file="multichat_tui/channel/authority.py",
        old="        if self._revoked(operation, least):\n",
        new="        if self._revoked(operation, FOUNDER + 1):\n",
        tests="tests/unit/channel/test_channel_revocations.py",
    ),
    Mutant(
        name="the-lightest-fence-counts",
        file="multichat_tui/channel/counting.py",
        old="most = max(map(weight, found), default=0)",
        new="most = min(map(weight, found), default=0)",
        tests="tests/unit/channel/test_channel_revocations.py",
    ),
    Mutant(
        name="a-restriction-for-all-has-no-fence",
        file="multichat_tui/channel/counting.py",
        old="return header.seq <= found.seq if found is not None else header.ets <= fence.floor_ets",
        new="return True",
        tests="tests/simulation/test_moderation_stories.py",
    ),
    Mutant(
        name="a-restriction-for-all-hides-all-history",
        file="multichat_tui/node/moderating.py",
        old="fence = wide_fence(channel) if drawn else WideFence()",
        new="fence = WideFence()",
        tests="tests/simulation/test_moderation_stories.py",
    ),
    Mutant(
        name="what-is-beside-a-restriction-for-all-stays",
        file="multichat_tui/node/timeline.py",
        old="for ruling in set(before.rulings) ^ set(after.rulings):",
        new="for ruling in ():",
        tests="tests/simulation/test_moderation_stories.py",
    ),
    Mutant(
        name="lifting-a-lockdown-brings-back-the-usual",
        file="multichat_tui/node/lockdown.py",
        old="            if found < MODERATOR:\n                return found\n",
        new="",
        tests="tests/simulation/test_moderation_stories.py",
    ),
    Mutant(
        name="what-is-reverted-vanishes",
        file="multichat_tui/node/timeline.py",
        old="record.header.log == Log.CONTROL and self._is_told_as_reverted(channel, record, user)",
        new="False",
        tests="tests/simulation/test_moderation_stories.py",
    ),
    Mutant(
        name="a-full-invitation-is-settled",
        file="multichat_tui/channel/view.py",
        old="if not state.closed and not state.open)",
        new="if state.closed and not state.open)",
        tests="tests/simulation/test_moderation_stories.py",
    ),
    Mutant(
        name="what-follows-a-cause-is-named-too",
        file="multichat_tui/channel/verdicts.py",
        old="first = [each for each in causes if not any(each.past & other.bit for other in causes)]",
        new="first = causes",
        tests="tests/unit/channel/test_channel_verdicts.py",
    ),
    Mutant(
        name="anybody-revokes-anybodys-device",
        file="multichat_tui/channel/subjects.py",
        old="for device in operation.devices.certified_revoked:\n                _entries",
        new="for device in operation.devices.revoked:\n                _entries",
        tests="tests/unit/channel/test_channel_revocations.py",
    ),
    Mutant(
        name="contradicting-device-lists-are-no-alarm",
        file="multichat_tui/node/devices.py",
        old="raise_alarm(world, user, AlarmKind.FORKED_DEVICES, detail=listed.digest)",
        new="pass",
        tests=DEVICES,
    ),
    Mutant(
        name="the-return-key-is-not-proven",
        file="multichat_tui/node/returning.py",
        old="if not key or not equal(",
        new="if not key or False and not equal(",
        tests=DEVICES,
    ),
    Mutant(
        name="two-devices-that-come-back-make-lists-without-end",
        file="multichat_tui/node/devices.py",
        old="if mine and returning.met and listed.follows",
        new="if not mine and listed.follows",
        tests=DEVICES,
    ),
    Mutant(
        name="an-account-may-fill-a-channel-with-devices",
        file="multichat_tui/node/ledger.py",
        old="theirs + new <= MAX_MEMBER_DEVICES and ",
        new="",
        tests=BOUNDS,
    ),
    Mutant(
        name="control-records-of-others-are-taken-without-end",
        file="multichat_tui/node/ledger.py",
        old="return channel.control.written_before(header.device, header.dependencies) < MAX_CONTROL_RECORDS_PER_DEVICE",
        new="return True",
        tests=BOUNDS,
    ),
    Mutant(
        name="lists-of-everybody-are-kept",
        file="multichat_tui/node/devices.py",
        old="return len(world.lists) < MAX_LISTS and any(",
        new="return any(",
        tests=BOUNDS,
    ),
    Mutant(
        name="links-are-read-on-whatever-waits",
        file="multichat_tui/node/service.py",
        old="            self._network.pause(True)",
        new="            pass",
        tests=BOUNDS,
    ),
    Mutant(
        name="whom-the-network-shows-is-not-called-at-once",
        file="multichat_tui/node/dialing.py",
        old="""[:MAX_RETURN_PLACES]
        self._calls = None""",
        new="[:MAX_RETURN_PLACES]",
        tests="tests/unit/node/test_node_dialing.py",
    ),
    Mutant(
        name="a-revoked-devices-link-stays",
        file="multichat_tui/node/devices.py",
        old="            if session.device in gone:",
        new="            if False:",
        tests=DEVICES,
    ),
    Mutant(
        name="line-mode-takes-what-was-typed-for-news",
        file="multichat_tui/headless/line/conversation.py",
        old="        if row.id in self._typed:",
        new="        if not row.id:",
        tests=LINE,
    ),
    Mutant(
        name="line-mode-sends-the-end-of-a-line-too-long",
        file="multichat_tui/headless/line/reading.py",
        old="                self._skipping = True",
        new="                self._skipping = False",
        tests=LINE,
    ),
    Mutant(
        name="line-mode-breaks-into-a-line-being-typed",
        file="multichat_tui/headless/line/page.py",
        old="            if not lines or self.hold or",
        new="            if not lines or",
        tests=LINE,
    ),
    Mutant(
        name="line-mode-does-not-say-what-was-not-sent",
        file="multichat_tui/headless/line/conversation.py",
        old="complain(one_line(str(error)), *kept)",
        new="complain(one_line(str(error)))",
        tests=LINE,
    ),
    Mutant(
        name="completion-hands-names-to-the-shell",
        file="multichat_tui/headless/completion.py",
        old="""            COMPREPLY+=("$(printf %q "$name")")""",
        new="""            COMPREPLY+=("$(eval echo "$name")")""",
        tests="tests/unit/headless/test_headless_texts.py",
    ),
    Mutant(
        name="a-demo-that-is-killed-leaves-its-nodes",
        file="multichat_tui/headless/verbs/running.py",
        old="            working.append(asyncio.create_task(end_of_input()))",
        new="            working.append(asyncio.create_task(asyncio.sleep(10**6)))",
        tests="tests/e2e/test_until_eof.py",
    ),
    Mutant(
        name="parked-bytes-without-end",
        file="multichat_tui/sync/parking.py",
        old="while len(lot.places) > PARKED_RECORDS_PER_PEER or lot.size > PARKED_BYTES_PER_PEER:",
        new="while len(lot.places) > PARKED_RECORDS_PER_PEER:",
        tests=EXHAUSTION,
    ),
    Mutant(
        name="another-device-vouches",
        file="multichat_tui/sync/runs.py",
        old="        and upper.device == lower.device\n",
        new="",
        tests=COVERS,
    ),
    Mutant(
        name="a-copy-of-ourselves-is-taken-in-a-run",
        file="multichat_tui/node/foresight.py",
        old="header.device == ledger.own_device or ",
        new="",
        tests=COVERS,
    ),
    Mutant(
        name="a-run-is-taken-unsigned",
        file="multichat_tui/node/foresight.py",
        old=" or not all(_signed(ahead.by_id[identifier].record) for identifier in signed)",
        new="",
        tests=COVERS,
    ),
    Mutant(
        name="covered-counts-as-verified",
        file="multichat_tui/node/foresight.py",
        old="replace(found.record, proof=Proof.COVER)",
        new="found.record",
        tests=COVERS,
    ),
    Mutant(
        name="covered-records-go-out-alone",
        file="multichat_tui/node/proofs.py",
        old="        if all(record.proof is Proof.OWN for record in records):",
        new="        if all(record.proof is Proof.OWN for record in records) or version >= COVERING_VERSION:",
        tests=COVERS,
    ),
    Mutant(
        name="the-first-version-is-sent-what-only-a-cover-proves",
        file="multichat_tui/node/proofs.py",
        old="        if version < COVERING_VERSION:",
        new="        if version < COVERING_VERSION - 1:",
        tests=COVERS,
    ),
    Mutant(
        name="what-came-with-its-cover-is-blamed",
        file="multichat_tui/node/arrivals.py",
        old="            case Receipt.UNPROVEN if parked.followed:",
        new="            case Receipt.UNPROVEN if parked.followed and session.faults < 0:",
        tests=COVERS,
    ),
    Mutant(
        name="a-link-stays-in-what-was-entered",
        file="multichat_tui/node/typed.py",
        old="        if is_secret(text):",
        new="        if not text:",
        tests=TYPED,
    ),
    Mutant(
        name="a-phrase-written-with-its-numbers-is-no-secret",
        file="multichat_tui/node/typed.py",
        old="if word not in known and not word.isdigit():",
        new="if word not in known:",
        tests=TYPED,
    ),
    Mutant(
        name="what-was-entered-grows-without-end",
        file="multichat_tui/node/typed.py",
        old="for key in others[: max(0, len(others) + 1 - MAX_TYPED_LINES)]:",
        new="for key in others[:0]:",
        tests=TYPED,
    ),
    Mutant(
        name="what-was-entered-outlives-its-channel",
        file="multichat_tui/node/choices.py",
        old="            forget_typed(world.txn, channel.id)\n",
        new="",
        tests=TYPED,
    ),
    Mutant(
        name="history-off-forgets-nothing",
        file="multichat_tui/node/choices.py",
        old="            forget_typed(self._world.txn)\n",
        new="            pass\n",
        tests=TYPED,
    ),
    Mutant(
        name="going-back-loses-what-was-being-written",
        file="multichat_tui/ui/recall.py",
        old="            return self._kept",
        new='            return ""',
        tests=TYPED_UI,
    ),
    Mutant(
        name="up-leaves-a-text-that-is-being-written",
        file="multichat_tui/ui/composer.py",
        old='and editor.text in ("", self.recall.shown):',
        new="and editor.text is not None:",
        tests=TYPED_UI,
    ),
    Mutant(
        name="what-is-refused-counts-as-entered",
        file="multichat_tui/ui/outbox.py",
        old="        if await front.send(channel, sent, reply.id if reply is not None else thread) is None:",
        new="        front.typed.enter(channel, text)\n        if await front.send(channel, sent, None) is None:",
        tests=TYPED_UI,
    ),
    Mutant(
        name="one-channels-history-is-every-ones",
        file="multichat_tui/ui/main.py",
        old="self.composer.recall.use(front.typed.entries(front.current))",
        new="self.composer.recall.use([each for texts in front.typed._entries.values() for each in texts])",
        tests=TYPED_UI,
    ),
    Mutant(
        name="a-draft-goes-along-to-the-next-channel",
        file="multichat_tui/ui/main.py",
        old="            text = self._noted = drafts.get(place)\n",
        new="            text = self._noted = composer.text\n",
        tests=SENDING,
    ),
    Mutant(
        name="a-draft-is-not-saved-when-the-program-ends",
        file="multichat_tui/ui/front.py",
        old="        await self.drafts.save_all()",
        new="        pass",
        tests=SENDING,
    ),
    Mutant(
        name="another-terminals-draft-overwrites-what-is-being-written",
        file="multichat_tui/ui/drafts.py",
        old='        if draft == written or written not in ("", saved) or draft in self._given:\n            return False\n',
        new="",
        tests=SENDING,
    ),
    Mutant(
        name="a-key-that-is-bound-anew-stays-with-its-old-action",
        file="multichat_tui/ui/actions.py",
        old="sorted(ACTIONS, key=lambda action: action.id not in chosen)",
        new="sorted(ACTIONS, key=lambda action: action.id in chosen)",
        tests="tests/ui/test_ui_keyboard.py",
    ),
    Mutant(
        name="a-preset-beats-ones-own-keys",
        file="multichat_tui/ui/app.py",
        old="return keyboard(preset, self.file_keys, preferences.bound)",
        new="return keyboard(preset, self.file_keys, ())",
        tests="tests/ui/test_ui_keyboard.py tests/ui/test_ui_themes.py",
    ),
    Mutant(
        name="a-theme-that-was-only-looked-at-stays",
        file="multichat_tui/ui/choosing.py",
        old="            dressing.preview(worn)",
        new="            pass",
        tests="tests/ui/test_ui_themes.py",
    ),
    Mutant(
        name="no-color-is-not-heard",
        file="multichat_tui/ui/app.py",
        old="no_color=self._no_color, colours=colours)",
        new="no_color=False, colours=colours)",
        tests="tests/ui/test_ui_themes.py",
    ),
    Mutant(
        name="a-page-that-follows-moves-what-one-reads",
        file="multichat_tui/ui/panel.py",
        old="        if top is not None and strips and before.lines[top] in page.lines:",
        new="        if top is None and strips:",
        tests="tests/ui/test_ui_log.py",
    ),
    Mutant(
        name="a-deleted-profile-leaves-its-log",
        file="multichat_tui/cli.py",
        old="        await asyncio.to_thread(wipe_log, self._settings.paths)\n",
        new="",
        tests="tests/e2e/test_restored_account.py",
    ),
    Mutant(
        name="a-closed-account-says-who-was-told-at-first",
        file="multichat_tui/ui/closed.py",
        old="        self._status, self._contacts = status, contacts\n        self._lines.show(",
        new="        self._lines.show(",
        tests="tests/ui/test_ui_closed.py",
    ),
    Mutant(
        name="jump-looks-in-the-open-channel-only",
        file="multichat_tui/node/api/commands/searching.py",
        old="        return await find_message(call.api, word)\n",
        new="        return await find_message(call.api, word, call.channel)\n",
        tests="tests/unit/node_api/test_api_queries.py",
    ),
    Mutant(
        name="a-low-screen-hides-words-to-compare",
        file="multichat_tui/ui/comparing.py",
        old="strips, y = self.strips(self.size.width), y + self._first",
        new="strips = self.strips(self.size.width)",
        tests="tests/ui/test_ui_comparing.py",
    ),
    Mutant(
        name="an-empty-place-teaches-keys-that-are-bound-elsewhere",
        file="multichat_tui/ui/teaching.py",
        old="hint(action))",
        new='{"trust": "F4"}.get(action, hint(action)))',
        tests="tests/ui/test_ui_teaching.py",
    ),
    Mutant(
        name="what-is-dated-ahead-never-shows-when-built-upon",
        file="multichat_tui/node/timeline.py",
        old='            world.txn.put(Space.CITED, key, b"")\n',
        new="",
        tests="tests/unit/node/test_node_hostile.py",
    ),
    Mutant(
        name="what-is-above-a-gap-is-claimed",
        file="multichat_tui/sync/chains.py",
        old="        leaves = self.leaves(key)\n        heads = self.heads[key[0]]",
        new=(
            "        leaves = self.leaves(key)\n        if key in self.islands:\n"
            "            leaves = {self.islands[key].end.id: self.islands[key].end.seq}\n        heads = self.heads[key[0]]"
        ),
        tests=GAPS,
    ),
    Mutant(
        name="an-island-is-joined-to-any-branch",
        file="multichat_tui/sync/chains.py",
        old="(island.first - 1 <= self.held(key) and holds(under)):",
        new="island.first - 1 <= self.held(key):",
        tests=FORKS_FAR_BEHIND,
    ),
    Mutant(
        name="a-branch-may-begin-above-a-gap",
        file="multichat_tui/node/ledger.py",
        old="        if header.seq < island.first:\n            # Within",
        new=(
            "        if header.seq >= island.first:\n            return self._settle(channel, record)\n"
            "        if header.seq < island.first:\n            # Within"
        ),
        tests=FORKS_FAR_BEHIND,
    ),
    Mutant(
        name="what-forked-islands-stand-on-is-not-asked-for",
        file="multichat_tui/node/branches.py",
        old="if key not in channel.chains.forks or island.under is None or",
        new="if key in channel.chains.forks or island.under is None or",
        tests=FORKS_FAR_BEHIND,
    ),
    Mutant(
        name="a-branch-beside-an-island-is-not-asked-for",
        file="multichat_tui/node/requests.py",
        old="                    limit = self._filling.best(sessions, channel, key)  # beside",
        new="                    pass  # beside",
        tests=FORKS_FAR_BEHIND,
    ),
    Mutant(
        name="what-came-as-history-is-named-by-ones-own-messages",
        file="multichat_tui/node/ledger.py",
        old="        if log is Log.CONTROL or edge is None:\n            return tuple(heads)",
        new="        if log is Log.CONTROL or edge is None or edge.low:\n            return tuple(heads)",
        tests=GAPS_THAT_STAY,
    ),
    Mutant(
        name="live-messages-wait-for-what-lies-in-a-gap",
        file="multichat_tui/node/ledger.py",
        old="        if not absent or not channel.below:",
        new="        if not absent or channel.below:",
        tests=GAPS_THAT_STAY,
    ),
    Mutant(
        name="a-closed-gap-owes-no-receipt",
        file="multichat_tui/node/arrivals.py",
        old="        for key in keys - channel.chains.islands.keys():",
        new="        for key in keys & channel.chains.islands.keys():",
        tests=GAPS,
    ),
    Mutant(
        name="claims-of-control-records-are-waited-for-for-ever",
        file="multichat_tui/node/filling.py",
        old="        return want is None or want.tries < CONTROL_TRIES",
        new="        return want is None or want.tries >= 0",
        tests=GAPS,
    ),
    Mutant(
        name="claims-of-content-stay-missing",
        file="multichat_tui/node/filling.py",
        old="                quiet[key] = min(quiet[key], self.best(others, channel, key))",
        new="                quiet[key] = max(quiet[key], self.best(others, channel, key))",
        tests=GAPS,
    ),
    Mutant(
        name="what-was-claimed-of-silent-chains-is-believed",
        file="multichat_tui/node/filling.py",
        old="        asked = self._probe(channel, able, silent)",
        new="        asked = False",
        tests="tests/simulation/test_gaps_stories.py",
    ),
    Mutant(
        name="history-is-fetched-beyond-its-depth",
        file="multichat_tui/node/gaps.py",
        old="    if channel.older > 0 or channel.edge is None:",
        new="    if channel.older >= 0 or channel.edge is None:",
        tests=GAPS,
    ),
    Mutant(
        name="joins-are-decided-by-arrival",
        file="multichat_tui/channel/authority.py",
        old="(op for op in entries if op.order <= last.order), key=lambda op: op.order)",
        new="(op for op in entries if op.order <= last.order), key=lambda op: op.index)",
        tests=f"{AUTHORITY} -k any_order_of_arrival",
    ),
    Mutant(
        name="what-was-not-asked-to-the-end-is-remembered-as-void",
        file="multichat_tui/channel/authority.py",
        old="            if k < least:\n                break\n",
        new="            if k < least:\n                self._levels[operation.index] = VOID\n                break\n",
        tests=f"{AUTHORITY} -k any_order_of_questions",
    ),
    Mutant(
        name="who-is-demoted-still-appoints-as-before",
        file="multichat_tui/channel/authority.py",
        old="if isinstance(act, SetRank) and act.rank >= k:",
        new="if isinstance(act, SetRank) and act.rank > FOUNDER:",
        tests="tests/unit/channel/test_channel_outcomes.py -k demoted_beside",
    ),
    Mutant(
        name="who-is-demoted-still-changes-what-is-above-them",
        file="multichat_tui/channel/authority.py",
        old="max(act.rank, self.threshold(act.permission, k, operation.past)) > k:",
        new="act.rank > k:",
        tests="tests/unit/channel/test_channel_outcomes.py -k demoted_beside",
    ),
    Mutant(
        name="a-rank-that-was-set-is-shaken-off-by-leaving",
        file="multichat_tui/channel/authority.py",
        old="if not set_down & operation.bit and _sets_below(operation, user, k):",
        new="if not covered & operation.bit and _sets_below(operation, user, k):",
        tests="tests/unit/channel/test_channel_outcomes.py -k shaken_off",
    ),
    Mutant(
        name="of-thresholds-beside-each-other-the-mildest-counts",
        file="multichat_tui/channel/authority.py",
        old="return max(found, default=THRESHOLDS[permission])",
        new="return min(found, default=THRESHOLDS[permission])",
        tests=f"{AUTHORITY} -k the_slow_and_obvious_way",
    ),
    Mutant(
        name="a-close-counts-only-of-who-is-in",
        file="multichat_tui/channel/authority.py",
        old="        if k == MEMBER and self._closes_own(operation):\n            return k\n",
        new="",
        tests="tests/unit/channel/test_channel_outcomes.py -k closes_their_own",
    ),
    Mutant(
        name="what-somebody-did-is-not-asked-again",
        file="multichat_tui/channel/subjects.py",
        old="mask |= self._authored.get(user, self._nothing).mask",
        new="mask |= 0",
        tests=f"{AUTHORITY} -k one_by_one_gives",
    ),
    Mutant(
        name="what-was-taken-back-still-tells",
        file="multichat_tui/channel/authority.py",
        old="waiting |= self.subjects.touched(op, fewer.mask)",
        new="waiting |= 0",
        tests=f"{AUTHORITY} -k taking_some_back",
    ),
    Mutant(
        name="a-founder-who-left-can-be-banned",
        file="multichat_tui/channel/permitting.py",
        old="        case Ban():\n            return act.user not in past.subjects.founders and _less",
        new="        case Ban():\n            return _less",
        tests=f"{AUTHORITY} -k nobody_acts_on_a_founder",
    ),
    Mutant(
        name="nothing-is-countermanded",
        file="multichat_tui/channel/authority.py",
        old="self._holds(act.user, k, operation.past, k) or self._countermanded(operation, act.user, k)",
        new="self._holds(act.user, k, operation.past, k)",
        tests=f"{AUTHORITY} -k who_was_raised_by_somebody_higher",
    ),
    Mutant(
        name="a-later-removal-voids-what-it-had-seen",
        file="multichat_tui/channel/authority.py",
        old="self._holds(operation.user, k, operation.past, k):",
        new="self._holds(operation.user, k, self.mask, k):",
        tests=f"{AUTHORITY} -k what_is_void_has_a_cause",
    ),
    Mutant(
        name="what-somebody-did-rises-with-a-rank-that-they-had-not-seen",
        file="multichat_tui/channel/authority.py",
        old="if k > self.subjects.claims[operation.index] or not",
        new="if not",
        tests=f"{AUTHORITY} -k who_acts_had_the_rank",
    ),
    Mutant(
        name="what-is-void-countermands",
        file="multichat_tui/channel/authority.py",
        old="elif raises(other, user, k) and self.level(other, k + 1) > k:",
        new="elif raises(other, user, k):",
        tests=f"{AUTHORITY} -k one_more_changes_nothing",
    ),
    Mutant(
        name="a-removal-silences-nobody",
        file="multichat_tui/channel/subjects.py",
        old="or (isinstance(act, Remove | Ban) and act.user == user)\n        for act in operation.acts",
        new="or (isinstance(act, Ban) and act.user == user)\n        for act in operation.acts",
        tests=f"{AUTHORITY} -k who_is_removed",
    ),
    Mutant(
        name="a-demotion-takes-nothing-away",
        file="multichat_tui/channel/subjects.py",
        old="(isinstance(act, SetRank) and act.user == user and act.rank < rank)",
        new="(isinstance(act, SetRank) and act.user == user and act.rank < MUTED)",
        tests=f"{AUTHORITY} -k who_is_demoted",
    ),
    Mutant(
        name="a-revoked-device-says-what-it-wants",
        file="multichat_tui/channel/authority.py",
        old="        if self._revoked(operation, least):\n",
        new="        if self._revoked(operation, FOUNDER + 1):\n",
        tests=f"{AUTHORITY} -k a_revoked_device",
    ),
    Mutant(
        name="an-invitation-lets-in-everybody",
        file="multichat_tui/channel/authority.py",
        old="if holds and not elsewhere and (len(places.users) < invite.uses or joined(admit) in places.users):",
        new="if holds and not elsewhere:",
        tests=f"{AUTHORITY} -k an_invitation_lets_in",
    ),
    Mutant(
        name="a-close-counts-only-for-who-had-seen-it",
        file="multichat_tui/channel/authority.py",
        old="if any(not close.past & admit.bit and self._closes",
        new="if any(admit.past & close.bit and self._closes",
        tests=f"{AUTHORITY} -k beside_a_close",
    ),
    Mutant(
        name="an-invitation-outlives-its-makers-rank",
        file="multichat_tui/channel/authority.py",
        old=" or self.maker_gone(name, k, admit):",
        new=":",
        tests=f"{AUTHORITY} -k by_who_is_gone",
    ),
    Mutant(
        name="a-ban-counts-only-for-who-had-seen-it",
        file="multichat_tui/channel/authority.py",
        old="for ban in bans.beside(admit, self.mask)):",
        new="for ban in bans.beside(admit, admit.past)):",
        tests=f"{AUTHORITY} -k beside_a_ban",
    ),
    Mutant(
        name="what-a-tightening-forbids-is-done-beside-it",
        file="multichat_tui/channel/authority.py",
        old="and not any(asked > k for asked in self._tightened(operation, permission, k))",
        new="and not any(asked > FOUNDER for asked in self._tightened(operation, permission, k))",
        tests=f"{AUTHORITY} -k beside_what_forbids_it",
    ),
    Mutant(
        name="of-several-acts-one-suffices",
        file="multichat_tui/channel/authority.py",
        old="return k if all(self._allowed",
        new="return k if any(self._allowed",
        tests=f"{AUTHORITY} -k of_acts_in_one_record",
    ),
    Mutant(
        name="a-revocation-voids-what-it-had-seen",
        file="multichat_tui/channel/authority.py",
        old="other is not operation and not other.past & operation.bit and self.level",
        new="other is not operation and self.level",
        tests=f"{AUTHORITY} -k what_follows_all",
    ),
    Mutant(
        name="a removal that turns out void is not taken back",
        file="multichat_tui/node/world.py",
        old="return self.live or (self.rooted and",
        new="return self.live or (False and",
        tests=MODERATION,
    ),
    Mutant(
        name="a ban does not keep anybody out at the door",
        file="multichat_tui/node/admissions.py",
        old="if banned or mine is None",
        new="if mine is None",
        tests=MODERATION,
    ),
    Mutant(
        name="whose time is over stays banned",
        file="multichat_tui/node/upkeep.py",
        old="        self._lift_expired(channel)",
        new="        pass",
        tests=MODERATION,
    ),
    Mutant(
        name="somebody muted writes all the same",
        file="multichat_tui/node/deciding.py",
        old='        need(channel.view, self._world.identity.user, Permission.SEND, "write")\n',
        new="",
        tests=MODERATION,
    ),
    Mutant(
        name="unmuting demotes who is not muted",
        file="multichat_tui/node/api/commands/moderating.py",
        old="if member.role != role_of(MUTED):",
        new="if False:",
        tests="tests/unit/node_api/test_api_moderating.py",
    ),
)


def caught(mutant: Mutant) -> bool:
    """Whether the tests fail on a copy of the program with this fault in it."""
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name)
        for part in ("multichat_tui", "tests"):
            shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", copy)
        path = copy / mutant.file
        text = path.read_text()
        if text.count(mutant.old) != 1:
            raise SystemExit(f"{mutant.name}: the place to change occurs {text.count(mutant.old)} times in {mutant.file}")
        path.write_text(text.replace(mutant.old, mutant.new))
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *mutant.tests.split()]
        try:
            done = subprocess.run(command, cwd=copy, capture_output=True, timeout=TIMEOUT_S, check=False)
        except subprocess.TimeoutExpired:
            return True
        return done.returncode == 1


def main(names: list[str]) -> int:
    survivors = []
    for mutant in MUTANTS:
        if names and mutant.name not in names:
            continue
        found = caught(mutant)
        print(f"{'caught  ' if found else 'SURVIVED'} {mutant.name}", flush=True)
        if not found:
            survivors.append(mutant.name)
    return 1 if survivors else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
