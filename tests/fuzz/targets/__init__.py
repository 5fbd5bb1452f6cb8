"""The targets by name. Each module is one thing under fire."""

# ruff: noqa: E402 - the path is set first

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

_TESTS = Path(__file__).parents[2]
for _place in (_TESTS, _TESTS / "property", _TESTS / "simulation", _TESTS / "unit" / "node_api", _TESTS / "ui"):
    if str(_place) not in sys.path:
        sys.path.insert(0, str(_place))

from tests.fuzz.shape import Target
from tests.fuzz.targets.commands import CommandTarget
from tests.fuzz.targets.configuration import ConfigurationTarget
from tests.fuzz.targets.decoder import DecoderTarget
from tests.fuzz.targets.envelopes import EnvelopeTarget
from tests.fuzz.targets.frames import FrameTarget
from tests.fuzz.targets.handshake import HandshakeTarget
from tests.fuzz.targets.links import LinkTarget
from tests.fuzz.targets.rendering import RenderingTarget
from tests.fuzz.targets.screens import ScreenTarget
from tests.fuzz.targets.socket import SocketTarget

TARGETS: Mapping[str, Callable[[], Target]] = {
    "decoder": DecoderTarget,
    "handshake": HandshakeTarget,
    "frames": FrameTarget,
    "envelopes": EnvelopeTarget,
    "socket": SocketTarget,
    "commands": CommandTarget,
    "rendering": RenderingTarget,
    "screens": ScreenTarget,
    "links": LinkTarget,
    "configuration": ConfigurationTarget,
}
