"""QR codes on the screens."""

from seat import Sit
from twin import LINK, TwinNode

from multichat_tui.node.api.qr import qr_code
from multichat_tui.ui.preferences import Signs


async def test_c_on_a_panel_with_a_link_draws_its_code_whole(sit: Sit) -> None:
    async with sit(TwinNode(), size=(100, 60)) as seat:
        await seat.write("/pair")
        await seat.press("enter")
        await seat.sees("c QR code")
        await seat.press("c")
        await seat.sees("QR code")
        for line in qr_code(LINK).lines():
            await seat.sees(line.rstrip())


async def test_where_there_is_no_room_the_needed_size_is_told(sit: Sit) -> None:
    async with sit(TwinNode(), size=(80, 20)) as seat:
        await seat.write("/qr")
        await seat.press("enter")
        await seat.sees("rows, here are 20")
    async with sit(TwinNode(), size=(40, 10), signs=Signs.ASCII) as seat:
        await seat.write("/qr")
        await seat.press("enter")
        await seat.sees("columns and")
        assert "####" not in seat.text
