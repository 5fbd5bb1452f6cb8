"""The targets by name. Each module is one thing under fire."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

_TESTS = Path(__file__).parents[2]
for _place in (_TESTS, _TESTS / "property", _TESTS / "simulation", _TESTS / "unit" / "node_api", _TESTS / "ui"):
    if str(_place) not in sys.path:
        sys.path.insert(0, str(_place))

from tests.fuzz.shape import Target  # noqa: E402  # after the path
from tests.fuzz.targets.commands import CommandTarget  # noqa: E402
from tests.fuzz.targets.configuration import ConfigurationTarget  # noqa: E402
from tests.fuzz.targets.decoder import DecoderTarget  # noqa: E402
from tests.fuzz.targets.frames import FrameTarget  # noqa: E402
from tests.fuzz.targets.handshake import HandshakeTarget  # noqa: E402
from tests.fuzz.targets.links import LinkTarget  # noqa: E402
from tests.fuzz.targets.rendering import RenderingTarget  # noqa: E402
from tests.fuzz.targets.screens import ScreenTarget  # noqa: E402
from tests.fuzz.targets.socket import SocketTarget  # noqa: E402

TARGETS: Mapping[str, Callable[[], Target]] = {
    "decoder": DecoderTarget,
    "handshake": HandshakeTarget,
    "frames": FrameTarget,
    "socket": SocketTarget,
    "commands": CommandTarget,
    "rendering": RenderingTarget,
    "screens": ScreenTarget,
    "links": LinkTarget,
    "configuration": ConfigurationTarget,
}
