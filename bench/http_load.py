"""A lean HTTP client that keeps a number of requests in flight: its own cost must not hide what is measured.

Each connection comes from a loopback address of its own, so that the gateway's limits per address stay as they are.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Load:
    """What came back: how often each status was seen, the bodies when asked for, latencies in seconds."""

    statuses: dict[int, int] = field(default_factory=dict)
    bodies: list[bytes] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def require(self, status: int) -> None:
        """Raises RuntimeError when any answer was another: a figure of refusals is none."""
        if set(self.statuses) != {status}:
            raise RuntimeError(f"answers were {self.statuses}, not all {status}: {self.bodies[-1:]}")


def request(method: str, path: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    """The bytes of one request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *(f"{name}: {value}" for name, value in headers.items())]
    if body or method != "GET":
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def drive(
    port: int, make: Callable[[int], bytes], count: int, in_flight: int, *, keep: bool = False, addresses: int = 200
) -> Load:
    """Sends `make(0)` … `make(count - 1)` over `in_flight` connections, each as soon as one is free."""
    return asyncio.run(_drive(port, make, count, in_flight, keep, addresses))


async def _drive(
    port: int, make: Callable[[int], bytes], count: int, in_flight: int, keep: bool, addresses: int
) -> Load:
    load = Load()
    numbers = iter(range(count))
    loop = asyncio.get_running_loop()

    async def connection(place: int) -> None:
        source = (f"127.1.{place // 250}.{place % 250 + 1}", 0)
        reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=source)
        try:
            for number in numbers:
                begun = loop.time()
                writer.write(make(number))
                head = await reader.readuntil(b"\r\n\r\n")
                status = int(head[9:12])
                body = await reader.readexactly(_length(head))
                load.statuses[status] = load.statuses.get(status, 0) + 1
                load.seconds.append(loop.time() - begun)
                if keep or status >= 400:
                    load.bodies.append(body)
        finally:
            writer.close()

    await asyncio.gather(*(connection(place % addresses) for place in range(in_flight)))
    return load


def _length(head: bytes) -> int:
    lower = head.lower()
    place = lower.find(b"content-length:")
    if place < 0:
        raise RuntimeError("an answer without a length")
    return int(lower[place + 15 : lower.index(b"\r\n", place)])
