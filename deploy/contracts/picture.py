"""The picture of rooms and events: which room tells what to whom, as a table one can read at a glance.

Rows are events, grouped by the room that tells them; columns are the rooms that listen. A filled mark: the listener
acts on it; a ring: oversight's ledger, which keeps every event.
"""

from __future__ import annotations

from html import escape

from deploy.contracts.rooms import Room

_ROW, _COLUMN, _LEFT, _EVENT, _TOP = 22, 76, 118, 190, 132
_COLOURS = (
    "#9c1c1c", "#0b5394", "#38761d", "#b45f06", "#674ea7", "#0c7489", "#a61c5c", "#3d5a2a", "#7f6000", "#444f5a",
)  # fmt: skip
_MEANING = {
    "identity": "tài khoản",
    "intake": "tiếp nhận",
    "processing": "giải quyết",
    "vault": "kho dữ liệu",
    "signing": "chữ ký số",
    "payment": "thanh toán",
    "notifier": "thông báo",
    "oversight": "giám sát",
    "postal": "bưu chính",
    "exchange": "liên thông",
}
_STYLE = """
text{font:13px "Noto Sans",system-ui,Arial,sans-serif;fill:#1c2733}
.h{font-size:19px;font-weight:700}.s{fill:#5b6b7a}.r{font-weight:700}.e{font-family:ui-monospace,Consolas,monospace;
font-size:12.5px}.l{stroke:#d9e0e7}.g{stroke:#8a97a3}
"""


def listeners_of(rooms: list[Room], event: str) -> list[str]:
    """Rooms that act on an event, in the order of the rooms; not the ledger's catch-all."""
    return [
        room.name for room in rooms if event in room.reacts or any(listener.event == event for listener in room.listens)
    ]


def keeps_all(room: Room) -> bool:
    """Whether a room takes every event."""
    return any(listener.event == "*" for listener in room.listens)


def svg(rooms: list[Room]) -> str:
    """The picture as SVG."""
    events = [(room, event) for room in rooms for event in room.tells]
    width = _LEFT + _EVENT + _COLUMN * len(rooms) + 24
    height = _TOP + _ROW * len(events) + 64
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'role="img" aria-labelledby="t d">',
        '<title id="t">Phòng và sự kiện / Rooms and events</title>',
        '<desc id="d">Hàng: sự kiện và phòng báo; cột: phòng nghe. / Rows: events and who tells them; columns: who '
        "listens.</desc>",
        f"<style>{_STYLE}</style>",
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        '<text class="h" x="16" y="32">Phòng và sự kiện / Rooms and events</text>',
        '<text class="s" x="16" y="54">● phòng này xử lý sự kiện / the room acts on it    ○ chỉ ghi vào sổ cái / '
        "ledger only</text>",
        f'<text class="r" x="16" y="{_TOP - 12}">báo / tells</text>',
        f'<text class="r" x="{_LEFT}" y="{_TOP - 12}">sự kiện / event</text>',
    ]
    colours = {room.name: _COLOURS[number % len(_COLOURS)] for number, room in enumerate(rooms)}
    bottom = _TOP + _ROW * len(events)
    for column, room in enumerate(rooms):
        x = _LEFT + _EVENT + _COLUMN * column + _COLUMN / 2
        parts.append(
            f'<text class="r" x="{x}" y="{_TOP - 32}" text-anchor="middle" style="fill:{colours[room.name]}">'
            f"{room.name}</text>"
            f'<text class="s" x="{x}" y="{_TOP - 14}" text-anchor="middle">{escape(_MEANING.get(room.name, ""))}</text>'
            f'<line class="l" x1="{x}" y1="{_TOP}" x2="{x}" y2="{bottom}"/>'
        )
    last = ""
    for row, (room, event) in enumerate(events):
        top, middle = _TOP + _ROW * row, _TOP + _ROW * row + _ROW / 2
        kind = "g" if room.name != last else "l"
        left = 16 if room.name != last else _LEFT
        parts.append(f'<line class="{kind}" x1="{left}" y1="{top}" x2="{width - 16}" y2="{top}"/>')
        colour = colours[room.name]
        if room.name != last:
            parts.append(f'<text class="r" x="16" y="{middle + 5}" style="fill:{colour}">{room.name}</text>')
            last = room.name
        parts.append(f'<text class="e" x="{_LEFT}" y="{middle + 5}">{escape(event)}</text>')
        acting = listeners_of(rooms, event)
        for column, listener in enumerate(rooms):
            x = _LEFT + _EVENT + _COLUMN * column + _COLUMN / 2
            if listener.name in acting:
                parts.append(f'<circle cx="{x}" cy="{middle}" r="6" fill="{colour}"/>')
            elif keeps_all(listener):
                parts.append(f'<circle cx="{x}" cy="{middle}" r="4.5" fill="#fff" stroke="{colour}"/>')
    parts.append(f'<line class="g" x1="16" y1="{bottom}" x2="{width - 16}" y2="{bottom}"/>')
    parts.append(
        f'<text class="s" x="16" y="{bottom + 28}">Tạo từ hợp đồng bằng / made from the contracts by: '
        "python -m deploy.contracts</text></svg>\n"
    )
    return "\n".join(parts)


def markdown(rooms: list[Room]) -> str:
    """The same as text, with what each room answers and when its timers run."""
    lines = [
        "# Phòng và sự kiện / Rooms and events",
        "",
        "<!-- made by python -m deploy.contracts; do not edit -->",
        "",
        "![Phòng và sự kiện](rooms-and-events.svg)",
        "",
        "Sổ cái của `oversight` giữ mọi sự kiện. / The ledger of `oversight` keeps every event. The schemas are in",
        "[`contracts/asyncapi.json`](../contracts/asyncapi.json).",
        "",
        "| báo / tells | sự kiện / event | nghe / listens |",
        "|---|---|---|",
    ]
    for room in rooms:
        for event in room.tells:
            acting = ", ".join(f"`{name}`" for name in listeners_of(rooms, event)) or "–"
            lines.append(f"| `{room.name}` | `{event}` | {acting} |")
    lines += ["", "## Trả lời và hẹn giờ / Answers and timers", "", "| room | answers | timers |", "|---|---|---|"]
    for room in rooms:
        answers = ", ".join(f"`{method.name}`" for method in room.methods)
        timers = ", ".join(f"`{name}` {seconds:g} s" for name, seconds in room.timers) or "–"
        lines.append(f"| `{room.name}` | {answers} | {timers} |")
    return "\n".join(lines) + "\n"
