"""One's own devices in words, and by what one may name them: the same in the screens and on the command line."""

import datetime

from multichat_tui.model.errors import IntentRefused, NotFound, Refusal
from multichat_tui.model.snapshots import DeviceRow
from multichat_tui.node.api import NodeApi
from multichat_tui.node.api.lookup import MIN_ID_CHARACTERS, id_text, one_line


def device_cells(row: DeviceRow) -> tuple[str, ...]:
    """(id, name, state, since), safe to draw."""
    state = "revoked" if row.revoked else "this device" if row.this else "online" if row.online else "offline"
    since = datetime.datetime.fromtimestamp(row.created_ms / 1000, tz=datetime.UTC).astimezone().strftime("%Y-%m-%d")
    return id_text(row.device)[:8], one_line(row.label), state, f"since {since}"


def device_fields(row: DeviceRow) -> dict[str, str | int | bool]:
    """The same for programs."""
    return {
        "device": id_text(row.device),
        "label": row.label,
        "created_ms": row.created_ms,
        "this": row.this,
        "revoked": row.revoked,
        "online": row.online,
    }


async def find_device(api: NodeApi, text: str) -> DeviceRow:
    """By the name given to it here, or the beginning of its id. `errors.NotFound`; refused if it could be two."""
    wanted = text.strip().strip('"')
    rows = (await api.devices()).rows
    named = [row for row in rows if row.label and row.label.casefold() == wanted.casefold()]
    word = wanted.lower()
    found = named or [row for row in rows if len(word) >= MIN_ID_CHARACTERS and id_text(row.device).startswith(word)]
    if not found:
        raise NotFound(
            f"Your account has no device {one_line(wanted)[:40]!r}.", "/devices, or multichat devices list, names them."
        )
    if len(found) > 1:
        raise IntentRefused(Refusal.AMBIGUOUS, "That can mean several devices.", "Type the beginning of the id.")
    return found[0]
