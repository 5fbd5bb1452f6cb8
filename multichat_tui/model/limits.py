"""Every bound in one place: its unit, and why it is what it is. Nothing from outside is read without one of these."""

# Encoding
MAX_DEPTH = 8
"""Nesting of arrays and maps. Our deepest value nests six deep."""
MAX_INTEGER = 2**63 - 1
"""Integers beyond SQLite's 64 bits are refused."""

# Records
MAX_BODY_BYTES = 32 * 1024
"""Salt and content of one record. Larger things travel as files."""
MAX_HEADER_BYTES = 2 * 1024
"""Sixteen parents, sixteen control heads and twenty recipients fit."""
MAX_RECORD_BYTES = MAX_HEADER_BYTES + MAX_BODY_BYTES + 128
MAX_PARENTS = 16
MAX_CONTROL_HEADS = 16
MAX_NAMED_RECIPIENTS = 16
"""People that a message is written to: as many as fit a header beside 16 parents and 16 control heads."""
MAX_RECIPIENTS = 256
MAX_ACTS = 16
"""Acts in one record (authority.md, bounds)."""
MAX_MARKS = 1024
"""Chains that the fence of a restriction for all names, about 13 kB; the others are bounded by their time."""
MAX_TARGETS = 256
MAX_SETTING_BYTES = 1024
"""The value of a channel's setting, encoded: of ones that only newer versions know, too. They stay in memory."""
MAX_SLOW_MS = 24 * 60 * 60 * 1000
"""Between two messages of one member, in slow mode."""
MAX_PACED_BACK = 256
"""Records of a chain that slow mode goes back to find the message before: reactions and edits lie in between. Who writes more of
them between two messages has written enough."""
MAX_PROTOCOL_LEVEL = 2**16
MAX_CUSTOM_RANKS = 16
"""Ranks in use in one channel beside the five that every channel has, and names of such (authority.md, bounds)."""
MAX_REDACTIONS = 64
"""Redactions of one record that are looked at in display order. Of more, those by whom it concerns come before the rest."""
REDACTIONS_AT_ONCE = 16
"""Redactions whose targets are looked at again in one step, after what counts has changed; then whatever waits comes first."""
PURGE_RECORDS = 4
"""Records that a purge writes at a time, each with MAX_TARGETS targets."""
MAX_PURGED_TOGETHER = 768
"""Messages of a purge that is done together with something else: they stand in one record, and their ids fill most of it."""
MAX_PURGED = 100_000
"""Messages of one purge; whoever has written more is purged again."""
MIN_LIFE_MS = 10_000
"""A message that is to disappear lives so long at least: it has to arrive and to be read."""
MAX_LIFE_MS = 366 * 24 * 60 * 60 * 1000
SWEEP_BODIES = 256
"""Bodies that go in one step of a sweep."""
SWEEP_PAUSE_MS = 20
"""Between two steps of long work on bodies, so that whatever waits comes first."""
SWEEP_EVERY_MS = 500
"""What expires within this goes together: every sweep empties the write-ahead log."""
FOLLOW_UP_MS = 60_000
"""Between two redactions that a node writes by itself, of what has come to light about what it has redacted."""
MAX_USES = 1024
"""Uses of one invitation."""
MAX_POSTED_CHANNELS = 32
"""Channels into which one text is written at once: all of it in one transaction."""
MAX_REPORTED = 16
"""Messages that one report names."""
RANK_BACK_MS = 60 * 60 * 1000
"""Whose silence is over, and who had a rank before, waits so long for somebody who may give it back; then they are members."""
MAX_REPORTS_PER_MEMBER = 32
"""Reports of one member that are kept in a channel, the newest: nobody fills the list of others."""
MAX_SETTLEMENTS = 4
"""Kept for one report, each by another moderator: several may settle it at the same time."""
MAX_MODLOG_ROWS = 200
"""Rows of one page of the log of moderation."""
MAX_MODLOG_LOOKED_AT = 2000
"""Acts that one page looks at: where a filter fits none of them, the next page goes on from there."""
MAX_LOGGED_REDACTIONS = 4096
"""Redactions by themselves that the log of moderation of one channel shows, of up to MAX_TARGETS messages each."""
MAX_TARGETS_LOOKED_AT = 32
"""Of one redaction, to say whose texts it took away."""
MAX_FORESEEN = 2048
"""Intents of one question what would come of them: each is decided as if it were to be done."""
MAX_ROSTER_ROWS = 1000
"""Members that are listed with when they came, the newest."""
SALT_BYTES = 32
MAX_TIMESTAMP_MS = 2**48
"""Year 10889; anything later is garbage."""
MAX_ETS = 2**53
"""Stays exact in every language's floating point."""
LIFTING_ETS = 2**49
"""A parent whose ets is beyond this lifts its children by its timestamp only."""
FUTURE_TOLERANCE_MS = 2 * 60 * 1000
"""A record whose clock is further ahead than this is held back from display until due."""
LATE_AFTER_MS = 60 * 1000
"""A record older than this on arrival, that lands above newer ones, is marked late."""

# Text
MAX_TEXT_CHARACTERS = 8000
"""One message. Within MAX_BODY_BYTES even at four bytes a character."""
MAX_NAME_CHARACTERS = 48
MAX_TOPIC_CHARACTERS = 300
MAX_LINK_CHARACTERS = 2048
LINK_SEED_BYTES = 16
"""128 bits: nobody finds an open invitation by trying."""
CAUSE_BYTES = 16
"""The mark of what was decided elsewhere."""
MAX_LISTED = 256
"""Channels on a workspace's list."""
"""An invitation link as typed or pasted."""

# Frames and links
MAX_FRAME_BYTES = 1024 * 1024
PAGE_RECORDS = 128
"""Records in one MESSAGE frame: the bound of a group commit."""
PAGE_BYTES = 256 * 1024
PAGE_WINDOW = 3
"""Pages on the way to one peer that it has not acknowledged."""
FAR_BEHIND_RECORDS = 1000
"""Content missing in one channel beyond which the newest comes first."""
NEWEST_RECORDS = 384
"""Asked for at a time, newest first: three pages, so that live records wait behind no more than these."""
OLDER_RECORDS = 1000
"""Asked for when a user wants older messages and does not say how many."""
JUMP_RECORDS = 64
"""Asked for at a time of chains that were quiet and speak again."""
BACKFILL_ARRIVALS = 2**32
"""Arrival numbers kept free for what is filled in below an edge: more than a channel will ever have."""
MAX_NAMED_BELOW = 4096
"""Of one channel: ids of records that live messages name, and that are known to lie in what is still to be filled in."""
MAX_HISTORY_DEPTH = 10**9
"""Messages or days of a channel to be fetched."""
PUSH_WINDOW_RECORDS = 1024
"""Live records on the way to one peer; beyond this they wait for its ACK."""
MAX_REQUEST_RANGES = 512
MAX_REQUEST_IDS = 256
MAX_OFFER_CHANNELS = 4096
MAX_TIPS = 8192
"""Chains named in one offer or acknowledgement."""
MAX_READERS = 16
"""Links of people who read channels by link, over all channels; each has one page on its way at most."""
MIN_READ_MS = 100
"""Between two pages to one of them: nobody makes a node read its disk for a small question at every turn."""
MAX_WITHHELD = 64
"""Ranges named in one WITHHELD frame: with their headers some 150 KiB at most."""
MAX_SCANNED_WITHHELD = 1024
"""Records looked at for one chain and request, to find out which ones somebody may have who was a member before."""
MAX_HISTORY_DAYS = 3650
MAX_STATEMENTS = 64
MAX_BRANCHES = 64
"""Branches of one forked chain that are taken as they come; further ones only as ancestors of what others have written."""
MAX_LACKING_TIPS = 256
"""Branch ends that one peer says it holds, of one channel, and we lack."""
FORKED_LINK_MS = 10_000
"""How long a link with a device that forks lasts: long enough for both offers and what is asked for by them."""
MIN_SHUN_MS = 60_000
MAX_SHUN_MS = 10 * 60_000
"""Between two links with a device that forks; doubled each time."""
PROBE_MS = 3_000
DOUBT_MS = 15_000
"""Of two links to one device under different incarnations the older is asked this often, for so long, whether it is alive."""
MAX_ASKS = 8
"""How often a branch or a missing ancestor is asked for, with doubling waits, until it is heard of again."""
MAX_RECEIPTS = 64
"""Receipts in one offer, or asked for at once."""
MAX_RECEIPT_CHAINS = 64
"""Chains that a receipt names: channels of more devices have no receipts per device (they would be most of their traffic)."""
RECEIPT_DELAY_MS = 1_000
"""What arrives within this shares a receipt, in a channel of up to RECEIPT_DEVICES; in larger ones it grows with the square of
their number, as does what a receipt costs, which names each of them and goes to each of them."""
RECEIPT_DEVICES = 8
RECEIPT_RESTART_MS = 30_000
"""After a start, receipts that may be owed wait until links had time to come up: a direct acknowledgement is cheaper."""
MAX_DEVICE_STATEMENT_BYTES = 8 * 1024
"""A route of four mailboxes has about one KiB."""
MAX_DEVICE_STATEMENTS = 32
"""Device statements in one frame, or asked for at once: 256 KiB at most."""
MAX_TAKEN_STATEMENTS = 64
"""Acknowledged at once."""
STATEMENT_PAUSE_MS = 10_000
"""Of one audience, device and kind one statement is passed on in this time, the newest: who says much is not passed on so."""
MAX_PASSED_ON = 512
"""Names whose time is kept; then those are forgotten whose time is over."""
MAX_STATING_DEVICES = 256
"""Channels of more devices have no device statements: of each kind every member would keep that many times 8 KiB."""
MAX_READING_DEVICES = 64
"""In channels of more devices nobody says what they have read: it would be shown of nobody by name."""
MAX_READ_CHAINS = 256
"""Authors' devices that one says to have read."""
READ_DELAY_MS = 2_000
"""What is read within this is said together;"""
READ_TELL_MS = 60_000
"""and to an author who is away, within this."""
PARKED_RECORDS_PER_PEER = 2048
"""Records of one device waiting for a dependency, over all of its links and in all channels. Bounded by count and by bytes of
memory, oldest out first; they are asked for again."""
PARKED_BYTES_PER_PEER = 8 * 1024 * 1024
PARKED_BYTES = 32 * 1024 * 1024
"""Of all devices together; an account may have many. The oldest of the device that has most gives way."""
MAX_RECORD_FAULTS = 32
"""Invalid records or frames from one link before it is cut."""

# Unauthenticated connections
HANDSHAKE_TIMEOUT_S = 5.0
MAX_UNAUTHENTICATED = 64
MAX_UNAUTHENTICATED_PER_ADDRESS = 4
MAX_HANDSHAKE_BYTES = 2048
"""One handshake message."""
MAX_CLIENT_HELLO_BYTES = 16 * 1024
"""What a peer may send before TLS is established."""

# Links
PING_INTERVAL_S = 20.0
PING_TIMEOUT_S = 15.0
"""A link that answers no ping for this long is down."""
MAX_LINK_OUTBOX_BYTES = 8 * 1024 * 1024
"""Unsent bytes of one link; beyond it the link is closed and sync starts again."""
MAX_PEER_ADDRESSES = 8
LINKS_PER_DEVICE = 4
"""Links that the other end has dialled and not closed yet; of more the first is closed."""
MAX_GUEST_LINKS = 64
MAX_GUEST_LINKS_PER_INVITATION = 32
"""Links of those who came with an invitation and are not in yet: whoever holds one can make as many devices as it likes."""
GUEST_LINK_MS = 60_000
"""A link under an invitation over which nothing has happened for so long is cut: coming in takes a moment."""

# Discovery
ANNOUNCED_TOKENS = 32
SHORT_TOKENS = 200
"""Tokens in one announcement, padded with random ones so that the number of peers does not show; the TXT record stays under the
1,300 bytes of RFC 6763, section 6.2, and the whole in one packet."""
TOKEN_BYTES = 8
SHORT_TOKEN_BYTES = 4
"""A finder who looks for 500 takes one in seven million announcements of strangers for somebody, and calls there in vain."""
ANNOUNCED_KEYS = ANNOUNCED_TOKENS + SHORT_TOKENS
ANNOUNCE_AGAIN_S = (10.0, 20.0, 60.0, 600.0)
"""After an announcement on a network the next ones follow after these times, more or less a quarter, and the last one for ever:
the same for everybody, whether or not more are to be named than one has room for."""
ANNOUNCE_CHANGE_AGAIN_S = 60.0
"""At the latest so long after an announcement because of other keys."""
ANNOUNCE_CHANGES = 3
ANNOUNCE_CHANGE_EVERY_S = 15.0
"""Announcements because of other keys: so many at once, and then one in so long. Whoever is new names everybody anyway."""

# Retransmission
INITIAL_RTT_MS = 300
MIN_RETRANSMIT_MS = 200
MAX_RETRANSMIT_MS = 30_000
MAX_PENDING_OFFERS = 64
"""Offers that one peer has not acknowledged; a link whose other end answers pings but no offers is cut."""
RELAY_DELAY_MS = 250
"""A record received from someone else is offered on after this, so that direct pushes come first."""
LEAST_RELAY_DELAY_MS = 4_000
"""These delays double with each offer to a peer that turns out to have all of it already: up to this where the author is not
linked with us, for control logs, and in a channel of a few linked members;"""
RELAY_DELAY_PER_MEMBER_MS = 2_000
"""in larger ones to so much for each of them, as each of them may offer each record to each other,"""
MAX_RELAY_DELAY_MS = 60_000
"""but to no more than this."""
FIRST_RELAYS = 3
"""So many of the linked members of a channel, those nearest to a peer by device id, offer it others' records soon; the rest are
for when these fail. With everybody doing so each record would cost as many frames as there are pairs of members."""
LATER_RELAY_DELAY_MS = 2_000
"""Offers of the rest wait for this, and for each other."""
SETTLED_LINK_MS = 10_000
"""Who asks a link older than this for others' records needs it for them: it is not catching up any more. Whose link is older has
had time to link with the others, too."""
BODY_DELAY_MS = 1_000
"""A record that came without its body: what says why is mostly on its way, as a redaction comes after what it redacts."""
BODY_WAIT_MS = 30_000
"""When all peers were asked for a missing body in vain: before they are asked again, doubled each time."""
BODY_ROUNDS = 6
"""How often one link is asked for a missing body."""
MAX_LACKING_BODIES = 4096
"""Missing bodies of one channel that are asked for at a time."""
GAP_DELAY_MS = 30
"""A live record whose dependency is missing waits this long before that is asked for: it is mostly on its way."""
MIN_REDIAL_MS = 500
MAX_REDIAL_MS = 60_000

# Parcels
MAX_CONTENTS_BYTES = 192 * 1024
"""Of one parcel before it is sealed: with what sealing and wrapping add it fits an envelope of 256 KiB."""
MAX_CONTENTS_FRAMES = 64
MAX_GATHERED_FRAMES = 32
"""Answers that wait for the next parcel to one device; further ones are asked for again."""
MAX_COVERS = 2048
"""Ranges of chains in one parcel: it holds fewer records than that."""
MAX_CARRIED_TIPS = 64
"""Chains of one channel that a parcel acknowledges beside those that it has to: in greater channels only these."""
CARRIED_FAULTS = 256
"""Frames of one device that came in parcels and nobody honest sends, before nothing of it is kept to be looked at again."""
LIFT_MS = 60 * 60 * 1000
"""A device that says that parcels were lost is believed once in this."""
REPLY_DELAY_MS = 2_000
"""What is owed for a parcel waits so long for company."""
CARRIED_GAP_MS = 60_000
"""What a parcel lacks is mostly in one that is still on its way: asked for after this, then after twice as long, and so on."""
MAX_CARRIED_GAP_MS = 6 * 60 * 60 * 1000
MAX_KEPT_FRAMES = 256
"""Frames of one device's parcels that are kept, as something in them waits for what is not here; the oldest give way."""
MAX_KEPT_PARCEL_BYTES = 4 * 1024 * 1024
MAX_ALL_KEPT_PARCEL_BYTES = 32 * 1024 * 1024
"""Of all devices together; the oldest of the one that has most gives way."""
MAX_DEPOSIT_TARGETS = 16
"""Queues of one device that one deposit was tried at."""
DEPOSIT_COPIES = 2
"""Mailboxes of the reader at which a deposit is to lie, if it has so many."""
DEPOSIT_MS = 30 * 24 * 60 * 60 * 1000
"""How long mailboxes are asked to keep it: as long as they keep anything."""
MAX_DEPOSITS_PER_DEVICE = 64
MAX_DEPOSIT_BYTES_PER_DEVICE = 4 * 1024 * 1024
"""Under way to one device and not acknowledged; what is beyond waits for acknowledgements."""
MAX_DEPOSIT_BYTES = 256 * 1024 * 1024
"""Of all devices together, on our disk."""
GATHER_FROM = 16
"""Of so many under way to one device and more, each further one waits for what else is written: one by one, a day's talk would
come to MAX_DEPOSITS_PER_DEVICE."""
GATHER_MS = 1_000
MAX_GATHER_MS = 30 * 60 * 1000
"""So long after the one before; it doubles with every second one, up to this."""
DEPOSIT_DELAY_MS = 1_000
"""After a link has gone: mostly it comes again."""
AWAY_MS = 60_000
"""A device that was not linked for so long is away: what is written goes to its mailboxes at once."""
CUSTODY_STEP_MS = 30_000
"""Between the members who may deposit what others have written, in their order."""
SETTLE_START_MS = 20_000
"""After a start, before anything is deposited: links come up first."""
PUT_RETRY_MS = 30_000
MAX_PUT_RETRY_MS = 60 * 60 * 1000
"""Before a mailbox that was silent or refused is tried again, doubled each time up to this."""
CHECK_DEPOSIT_MS = 6 * 60 * 60 * 1000
"""How often mailboxes are asked whether they still have what was not acknowledged."""
CHECK_SPREAD_MS = 60_000
"""After a start they are asked at some time within this, once links had time: not together with other links to them."""
GONE_MS = 60 * 60 * 1000
"""What all mailboxes have lost or given out, and nobody has acknowledged for so long, is deposited anew."""
COLLECTED_MS = 24 * 60 * 60 * 1000
"""The same where a mailbox says that the reader has taken it: their word of that may come later, and a mailbox may lie."""
SILENT_MS = 30 * 24 * 60 * 60 * 1000
"""A device that nothing was heard of for so long is left nothing more: all that was left for it has expired."""
HEARD_STEP_MS = 60 * 60 * 1000
"""When a device was heard of is stored once in this."""
OLD_HISTORY_MS = 30 * 24 * 60 * 60 * 1000
MAX_OLD_RECORDS = 512
"""A device that lacks more than so many records of a chain, the first of which have been here for so long, is brought them by
links: mailboxes are for what is written while somebody is away."""
PUT_WAIT_MS = 20_000
"""What is to be put waits so long for a link to the mailbox; then another one is tried."""
PUTS_AT_ONCE = 32
"""Envelopes on their way to one mailbox whose receipts have not come."""
CUSTODY_MS = 6 * 60 * 60 * 1000
"""So long the word of another that something was deposited is relied on, if nothing comes of it."""
MAX_DEPOSITED_PLACES = 256
"""Readers and chains that one statement of what was deposited names: within MAX_DEVICE_STATEMENT_BYTES."""
DEPOSITED_DELAY_MS = 5_000
"""What is deposited within this is told together."""
BUNDLE_NONCE_BYTES = 32
MAX_BUNDLE_BYTES = 64 * 1024 * 1024
"""A file of parcels: what it takes in memory, some times over. What is beyond goes into the next one."""
MAX_BUNDLE_ENVELOPES = 16384
KEPT_PARCEL_MS = 30 * 24 * 60 * 60 * 1000
"""As long as an envelope lives at most."""

# The node
BATCH_RECORDS = 128
BATCH_MS = 5
TELL_DELAY_MS = 25
"""What has changed about channels, people and links is told together after this: it is on nobody's way, unlike messages."""
INBOX_INPUTS = 4096
"""Inputs waiting for the writer. Submits wait their turn; links are paused while it is above half."""
SUBSCRIBER_EVENTS = 2048
"""Events waiting for one subscriber; on overflow it gets Resync and reads again."""
MAX_PAGE_ROWS = 500
"""Rows of one read of a timeline."""
MAX_CHANNELS = 1024
MAX_CHANNEL_DEVICES = 4096
MAX_MEMBER_DEVICES = 64
"""Devices of one account that one channel's control log names: two lists full of them, the older ones long revoked."""
MAX_UNTOLD = 64
"""Devices of former members of a channel that may link once more, to be told."""
MAX_CONTACTS = 4096
MAX_LIST_NUMBER = 2**22
"""Of a device list: its number and the beginning of its digest share 62 bits in an offer. One a minute for 8 years."""
LISTS_PER_FRAME = 16
"""Device lists in one MESSAGE: 384 KiB at most."""
MAX_LISTS = 4096
"""Device lists of others that are kept; contacts' are kept always."""
REGISTER_DELAY_MS = 20_000
"""Who learns of a change of devices from somebody else than its owner leaves it to others to write it down in a channel, for this
and a part of as much again that differs from device to device."""
MAX_OPEN_INVITATIONS = 128
MAX_JOIN_BYTES = 4096
MAX_CONTROL_RECORDS_PER_DEVICE = 4096
"""authority.md, bounds."""
MAX_REGARDS = 1024
"""People whom one ignores or has blocked."""
MAX_VOUCHES = 64
"""People whom one vouches for; with long notes fewer fit into one statement."""
MAX_VOUCH_NOTE_CHARACTERS = 64
MAX_INTRODUCTIONS = 8
"""Introductions by one contact that are told and shown at a time; the oldest give way."""
INTRODUCTION_MS = 14 * 24 * 60 * 60 * 1000
"""So long an introduction can be taken up."""
MAX_TRUST_STEPS = 3
MAX_TRUST_PATHS = 4
"""Of the ways in which somebody is trusted the shortest are shown, each of so many vouches at most."""
MAX_REQUESTS = 32
"""Conversations that people who are no contacts have begun, and that the user has not answered; one of each person."""
MAX_REQUESTS_PER_CHANNEL = 8
"""Of those, by members of one channel: who lets a hundred strangers into a channel fills no more than that."""
MAX_REQUEST_RECORDS = 32
"""Records of one such conversation, its control log included, that are taken before it is accepted: about 1 MiB at most."""
MAX_REQUEST_TEXTS = 3
REQUEST_CHARACTERS = 280
"""Of the first messages of a request so many, each cut to so much, are shown."""
MAX_OFFERED_BY_STRANGER = 4
"""Unknown channels that one peer who is no contact may offer over one link."""
MAX_DECLINED = 4096
"""People whose requests were declined; the oldest may ask again when there are more."""
MAX_SETTING_CHARACTERS = 1024
MAX_THREAD_ROWS = 500
"""Messages of a thread that are counted and read at once: a screen shows fifty, and each costs a look-up."""
MAX_THREAD_DEPTH = 64
"""Steps from an answer up to the message that began it all. Deeper answers count as threads of their own."""
MAX_REFERENCES = 4096
"""Edits, reactions, pins and the like of one message that are read, each kind by itself: as many as a channel has devices."""
MAX_DEVICE_REFERENCES = 64
"""Of one kind, to one message and by one device, that are noted: the first ones in display order. Further ones change nothing."""
MAX_CONTENDERS = 256
"""Acts on one thing (one message's text, one person's vote, one task) that are looked at: the first ones in display order. Also
of one person's acts of one kind, whatever they are on: all reactions of somebody to one message, say."""
MAX_NAMED_ACTS = 16
"""Acts that one act says it follows: the last ones on its thing that its author has seen."""
MAX_EMOJI_BYTES = 40
"""One reaction. A family of four with colours of skin has 41; nobody's keyboard makes that."""
MAX_REACTION_KINDS = 16
"""Different reactions to one message that are shown, those of most people first."""
MAX_OPTIONS = 12
"""Of a poll."""
MAX_OPTION_CHARACTERS = 100
MAX_PINS = 100
"""Pinned messages of one channel that are listed, the newest ones."""
MAX_DRAFT_CHARACTERS = MAX_TEXT_CHARACTERS
MAX_TYPED_LINES = 200
"""What was entered in one channel, kept to be brought back."""
MAX_TYPED_CHARACTERS = 2000
"""A longer text is not kept so: it is found as the message that it became."""

NEARBY_ID_BYTES = 16
"""The random id of somebody who is visible nearby."""
NEARBY_MS = 5 * 60 * 1000
"""Visible nearby for so long, then no more."""
MAX_NEARBY = 32
"""People nearby that are shown; a network full of strangers is no list to choose from."""
MAX_NEARBY_LINKS = 4
"""Links to strangers nearby at one time: anybody may connect while one is visible."""
MAX_NEARBY_TRIES = 8
"""Comparisons that strangers may begin while one is visible once; then one is not visible any more."""
COMPARISON_MS = 3 * 60 * 1000
"""From the beginning of a comparison until both have confirmed."""
COMPARISON_REPEAT_MS = 1_000
MAX_COMPARISON_REPEAT_MS = 15_000
"""What is not answered is said again, each time after twice as long."""
MAX_COMPARISONS = 16
"""Under way or over and still shown; those that are over go first."""
MAX_COMPARISONS_ASKED = 4
"""Of one contact, begun within COMPARISON_MS and answered: whoever begins knows the words before we show them, and could begin
until they please."""
COMPARISON_PAUSE_MS = 10_000
"""A contact that begins again sooner after the user has turned it away is refused: each one calls the user."""
MAX_COMPARISON_BOX_BYTES = 30 * 1024
"""A device list, a profile and what frames them."""
MAX_ALARMS = 256
"""Warnings about people's keys that are kept, acknowledged ones too: others cause them."""
MAX_ALARM_DETAIL_BYTES = 96
"""What names a finding: a digest, or a name's skeleton."""

# Mailboxes
MAX_OWN_MAILBOXES = 4
"""Mailboxes that one chooses: each gets links, and a place in every route."""
MAX_DRAINING_MAILBOXES = 8
"""Mailboxes that were given up and are still looked into."""
MAX_LISTED_MAILBOXES = MAX_OWN_MAILBOXES + MAX_DRAINING_MAILBOXES
DRAIN_MS = 30 * 24 * 60 * 60 * 1000
"""After this whoever has not heard of a new route has nothing in the old queue any more: mailboxes keep nothing for longer."""
LONGEST_DRAIN_MS = 365 * 24 * 60 * 60 * 1000
"""A mailbox that was given up is looked into so long while a contact is not known to write to another one."""
ROUTE_TELL_MS = 60_000
"""After a change of mailboxes, or a start, contacts who are not linked are told of it in parcels: mostly a link has done so."""
ROUTE_SPREAD_MS = 2 * 60_000
"""Each of them at some time within this."""
ROUTE_AGAIN_MS = 6 * 60 * 60 * 1000
"""And told again after this, until they say that they know."""
LEAST_WRITERS = 8
"""The writers that a mailbox is told of a queue are filled up to 8, 16, 32, ... with some that there are not."""
MAILBOX_ANSWER_MS = 30_000
"""A mailbox that has not answered for so long is taken for stuck: the link is closed, and made anew."""
VAIN_DIALS = 3
"""An address of somebody else's mailbox that was never found there after so many calls is left alone,"""
FIRST_VAIN_MS = 5 * 60 * 1000
VAIN_FACTOR = 4
"""first for this, then for so many times as long each time: it may have been off for a moment;"""
VAIN_DIAL_MS = 24 * 60 * 60 * 1000
"""and in the end for this."""
MAX_VAIN_DIALS = 1024
"""Of so many addresses that is kept in mind."""
UNPROVEN_HOSTS = 4
"""Addresses that one person's routes may have us call at a time, at which no mailbox of theirs was ever found,"""
FOUND_HOST_MS = 90 * 24 * 60 * 60 * 1000
"""An address at which a mailbox was found is known as such for so long after the last time, over restarts too."""
NEW_HOSTS_PER_HOUR = 32
"""and new ones of everybody in an hour: routes are no way to have others call strangers."""
MAX_ASKED_OF_MAILBOX = 32
"""Requests to a mailbox that wait for their answers, and of how many bytes; further ones wait here."""
MAX_ASKED_BYTES = 1024 * 1024
MAILBOX_RETRY_MS = 10 * 60 * 1000
"""A mailbox that has refused something is asked again after this."""
ROUTE_ADDRESSES_MS = 60 * 60 * 1000
"""Routes name an address once this node has listened there for so long: who comes and goes would say a new route each time."""
COLLECT_WAIT_MS = 3_000
"""How long the envelopes of one mailbox wait for the others to list theirs, as they are read in the order in which they were
written; a mailbox that does not answer holds nobody up for longer."""
MAX_COLLECTED = 1024
MAX_COLLECTED_BYTES = 8 * 1024 * 1024
"""Envelopes that are fetched before they are read, from all mailboxes together."""
UNREAD_MS = 7 * 24 * 60 * 60 * 1000
"""What cannot be read for want of something that may still come is kept in the mailbox for so long."""
READ_AT_ONCE = 128
"""Envelopes that are read in one turn."""
SCORE_HALF_LIFE_MS = 14 * 24 * 60 * 60 * 1000
"""How fast it is forgotten what a mailbox has done."""
SCORE_HEAD_TESTS = 4
SCORE_HEAD_REACHED = 48
"""With so many good tests, and looks an hour apart, everybody begins: one misfortune condemns nobody."""
LOST_WEIGHT = 4
REFUSED_WEIGHT = 4
"""What was lost, or refused, counts so much more than what was kept, or taken."""
WIPED_LOSSES = 30
"""Queues that are gone with all that lay in them count as so many envelopes: also who did well for months falls below."""
FAILING_PERCENT = 50
"""The mark: a mailbox that keeps less, or takes less, is left out of routes while there is another;"""
FAILING_AWAY_PERCENT = 20
"""who is reached less than this, likewise: gentler, as senders find that out by themselves."""
RECOVERED_PERCENT = 60
"""It comes back above this (for reaching: so much above that mark)."""
MAX_SCORES = 512
"""Other people's mailboxes of which it is remembered how they did: about 60 KiB."""
SPECIMEN_MS = 8 * 60 * 60 * 1000
"""Something is left at each of one's mailboxes for a test so often, on average,"""
SPECIMEN_CHALLENGE_MS = 12 * 60 * 60 * 1000
"""and asked for after this, on average; both at random times."""
SPARING_TESTS = 4
"""So many times rarer while data or power are spared."""
LONGEST_SPECIMEN_MS = SPARING_TESTS * SPECIMEN_CHALLENGE_MS * 3 // 2
"""No random time is later than this."""
SUSPECTED_TESTS = 4
"""So many times more often where something was lost."""
MAX_SPECIMENS = 8
"""Of one mailbox at a time."""
MAX_SPECIMEN_BYTES = 16 * 1024
SPECIMEN_CHALLENGES = 3
"""How often one may be asked for: so many answers are known beforehand, 64 bytes each."""
SPECIMEN_MARGIN_MS = 60 * 60 * 1000
"""So long before it expires a specimen is asked for no more: clocks differ."""
MAILBOX_LOOK_MS = 60 * 60 * 1000
"""So often it is looked which of one's mailboxes are reached."""
TESTING_LINK_MS = 2 * 60 * 1000
"""A link over which something is left for a test lasts no longer."""
MAX_MAILBOX_ADDRESSES = 4
"""Where one mailbox is reached."""
MAX_ENVELOPE_BYTES = 256 * 1024
"""One envelope: the greatest bucket that is sealed."""
MIN_ENVELOPE_CHARGE = 512
"""Bytes that an envelope counts at least: each costs a row and its places in the indexes, however small it is."""
MAX_ENVELOPE_LIFE_MS = 30 * 24 * 60 * 60 * 1000
"""How long a mailbox keeps an envelope at most."""
EXPIRY_TOLERANCE_MS = 60 * 60 * 1000
"""By which a writer's clock may be ahead of the mailbox's when it asks for the longest time."""
MAX_ALLOWED_AT_ONCE = 512
"""Writers allowed or forbidden in one request: about 25 KiB."""
MAX_LISTED_ENVELOPES = 1024
"""Envelopes in one listing: about 60 KiB."""
MAX_FETCHED_AT_ONCE = 256
MAX_DELETED_AT_ONCE = 1024
MAX_HAS_AT_ONCE = 256
"""Each is answered by a signature: some 10 ms of work in all."""
FETCH_FRAME_BYTES = 512 * 1024
"""Envelopes in one ENVELOPES frame, once there is one in it."""
FETCH_ANSWER_BYTES = 2 * 1024 * 1024
"""Envelopes in one answer: the rest is asked for again, so that a link's outbox never overflows by one question."""
FETCH_LINK_BYTES = 2 * FETCH_ANSWER_BYTES
FETCH_BATCH_BYTES = 16 * 1024 * 1024
"""Envelopes read for one link, and for all, in one batch: more questions are answered `busy`."""
FETCH_RETRY_MS = 200
MAX_GRANTS = 1024
"""Places that one mailbox gives away."""
MAX_GRANT_NAME_CHARACTERS = 48
MIN_MAILBOX_BYTES = 1024 * 1024
"""Less serves nobody."""
GRANT_BYTES = 64 * 1024 * 1024
GRANT_QUEUES = 256
"""What one place allows if the operator does not say: 255 contacts and channels with 250 KiB each."""
MAX_GRANT_QUEUES = 16_384
MAX_KEPT_QUEUES = 131_072
"""In one mailbox."""
MAILBOX_BYTES = 1024 * 1024 * 1024
"""What a mailbox keeps in all if the operator does not say."""
MAX_QUEUE_BYTES = 16 * 1024 * 1024
"""In one queue, whatever its writers may: no contact takes all of an owner's place."""
MAX_QUEUE_WRITERS = 4096
"""As many as a channel has devices."""
MAX_REMEMBERED_COLLECTED = 1024
"""Envelopes of one queue of which it is remembered that their owner has taken them, the last ones."""
MAX_COLLECTED_IN_ALL = 1_000_000
"""Some 120 MB on the disk; the oldest are forgotten first."""
MAX_SHOWN = 16_384
"""Queues that one link has shown to own or to write to."""
MAX_SHOWN_IN_ALL = 262_144
"""Over all links: some 50 MB of memory."""
MIN_FREE_BYTES = 64 * 1024 * 1024
"""Left free on the disk: below it nothing is put into the mailbox, as its owner's own messages come first."""
DISK_RETRY_MS = 30_000
"""After the disk has refused something, nothing is put into the mailbox for so long."""
MAX_CLIENT_LINKS = 1024
"""Links with those who use the mailbox."""
MAX_CLIENT_LINKS_PER_ADDRESS = 16
"""The door key is known to many; a household or a crowd behind one address shares these."""
MAX_CLIENT_FAULTS = 8
"""Wrong signatures, and requests for what was not shown to be one's own, over one link before it is cut."""
CLIENT_SHOW_MS = 10_000
"""A link over which no valid key was shown for so long is closed."""
CLIENT_IDLE_MS = 10 * 60_000
"""A link over which nothing was asked for so long is closed, unless it waits for news of a queue."""
SWEEP_ENVELOPES = 64
"""Envelopes that go in one step of a sweep: 16 MiB at most."""
FORGET_TRACES_MS = 10_000
"""After an envelope was deleted, until nothing of it is in any file: each time costs an emptying of the log."""
COUNT_REFUSALS_MS = 1_000
"""Refusals are counted on the disk so often at most."""

# Envelopes
MAX_SEALED_BYTES = 192 * 1024 + 512
"""A session's message, and what frames it: that is at most 230 bytes more than MAX_CONTENTS_BYTES."""
MIN_ENVELOPE_BYTES = 512
"""The smallest envelope: of this size, and of the others up to the largest, there are so many that a size tells little."""
SEAL_SALT_BYTES = 16
"""Random bytes before the contents: a copied or rolled back profile that encrypts with a key again betrays nothing by that."""
MAX_SESSIONS_PER_DEVICE = 5
"""Olm sessions with one device that are read on: several devices' starts may cross, and two of them are the rule then."""
MAX_LIVE_SESSIONS = 512
"""Sessions in memory between two batches, some 5 kB each: to unpickle one takes as long as what it does."""
MAX_UNANSWERED = 1500
"""Messages of a session without an answer, after which another one is begun: 2,000 that are lost could not be followed."""
NEW_SESSION_MS = 60 * 60 * 1000
"""Between two sessions that are begun with one device, whatever is not acknowledged."""
MAX_SPENT_SESSIONS = 1024
"""Ids that are remembered of sessions of one device that are given up here, while the prekey is kept by which somebody could
have them begun again: one an hour, for as long as a fallback key is in use and kept after."""
PREKEY_ROTATION_MS = 7 * 24 * 60 * 60 * 1000
"""How long one key stands for channel-mates, who share it."""
PREKEY_KEPT_MS = 30 * 24 * 60 * 60 * 1000
"""How long a prekey is accepted after another has taken its place: as long as an envelope may lie in a mailbox."""
MAX_FORMER_PREKEYS = 8
"""Of one audience, the newest: more than a fallback key's rotation leaves in PREKEY_KEPT_MS. Of a contact's they are kept for
those of their devices that have not begun a session yet."""
SESSION_KEPT_MS = 45 * 24 * 60 * 60 * 1000
"""Sessions with devices that are nobody's of ours any more, after they were used last."""
SWEEP_PREKEYS_MS = 60 * 60 * 1000
"""How often it is looked at which prekeys are over."""

MAX_OPENED_PER_DEVICE = 16_384
"""Hashes of what one device has sealed and we have opened, the newest: by them copies are known. Some 100 bytes each."""
OPENED_KEPT_MS = MAX_ENVELOPE_LIFE_MS
"""A copy cannot lie in a mailbox for longer."""
SWEEP_OPENED = 4096
"""After so many openings, and once a day, it is looked at which hashes are over."""
SWEEP_OPENED_MS = 24 * 60 * 60 * 1000

# Searching
MAX_QUERY_CHARACTERS = 512
"""A search as it is typed."""
MAX_QUERY_PHRASES = 16
"""Words and phrases that one search may ask for: each costs a walk through its part of the index."""
MAX_QUERY_WORDS = 64
"""Words in all phrases of a search; letters of Chinese, Japanese and the like count as words."""
MAX_QUERY_CHANNELS = 64
MAX_QUERY_USERS = 64
"""Channels and people that one search may name."""
MAX_FOUND_ROWS = 200
"""Rows of one answer to a search; the next ones are asked for."""
MAX_WORD_CHARACTERS = 64
"""Longer words are compared by their beginning."""
MAX_INDEXED_WORDS = 8192
"""Words of one message that are indexed: as many as its characters. Folding can make more of them."""
MAX_MARKED_PLACES = 256
"""Places marked in one message that was found."""
MAX_INDEXED_PER_MS = 512
"""Messages of one millisecond that are found: their places in the index are numbered within it. Only a forger makes more."""
INDEX_SLICE_ENTRIES = 256
"""Older messages that are put into the index at a time, some 20 ms of work; then the node does whatever waits."""
INDEX_PAUSE_MS = 5
"""Between two slices, so that reads come in."""

# Control socket
MAX_REQUEST_LINE_BYTES = 256 * 1024
MAX_ATTACHED = 16
"""Front ends attached to one node."""

# Line mode
MAX_INPUT_LINE_BYTES = 4 * MAX_TEXT_CHARACTERS + 4096
"""One line of input: the longest message with a command before it."""
MAX_HELD_LINES = 1000
"""News that wait for Enter; beyond this the oldest are gone from the page, not from the channel."""
MAX_WATCHED_MESSAGES = 256
"""Messages of one's own whose failure is told when it comes."""

# Unlocking
LOCK_PAUSE_S = 1.0
MAX_LOCK_PAUSE_S = 300.0
"""After a wrong passphrase at a locked terminal; doubled each time. Each try costs a derivation besides."""
ARGON2_MEMORY_BYTES = 256 * 1024 * 1024
ARGON2_SMALL_MEMORY_BYTES = 64 * 1024 * 1024
ARGON2_PASSES = 3
MIN_PASSPHRASE_CHARACTERS = 1
MAX_PASSPHRASE_BYTES = 1024

# Sparing power
WAKE_LINGER_MS = 10_000
"""A node of low power rests once nothing has moved for so long: a few round trips over slow links."""
LONGEST_WAKE_MS = 120_000
"""It rests after this even if others keep it busy; the rest comes the next time."""
METERED_RELAY_DELAY_MS = 60_000
"""Where data costs, others' records wait so long for company before they are offered on."""
