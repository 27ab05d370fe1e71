"""./motcua bench [NAME] [--json]: measures, prints each figure with its baseline of the same run and their ratio."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bench import figures
from bench.bus import latency, rpc
from bench.figures import Figure
from bench.identity import measure as identity
from bench.journey import filing, idle, path, read, upload
from bench.journey.baseline import baseline
from bench.journey.house import House
from bench.signing import measure as signing
from deploy.local.paths import state_of
from deploy.local.system import System

#: Name → what measures it: on broker and database alone, or on the whole system.
ON_STORES: dict[str, Callable[[System], list[Figure]]] = {
    "rpc": rpc.measure,
    "event_latency_ms": latency.measure,
    "signing": signing.measure,
}
AGAINST_BASELINE = {
    "read": read.measure,
    "file": filing.measure,
    "upload": upload.measure,
    "identity": identity.measure,
}
BY_ITSELF = {"path": path.measure, "idle": idle.measure}
NAMES = (*ON_STORES, *AGAINST_BASELINE, *BY_ITSELF)
#: Figures that come with others, by the name of what measures them.
WITH = {
    "idle_cpu": "idle", "rest_memory": "idle", "rpc_extensions": "rpc", "path_1": "path", "path_8": "path",
    "sign_in": "identity", "sign_in_rate": "identity", "token_check": "identity", "token_check_first": "identity",
    "token_check_rate": "identity", "normalization": "identity", "normalization_rate": "identity",
    "signing_200kb": "signing", "signing_5mb_scan": "signing", "signing_5mb_text_two": "signing",
    "signing_20mb_scan": "signing", "signing_20mb_500_pages": "signing",
    "signing_large_list": "signing", "signing_cached": "signing", "signing_lag": "signing",
    "signing_beside_hostile": "signing",
}  # fmt: skip


def main(arguments: list[str]) -> int:
    """Runs the named benches, or all; 0 whatever the figures say, 1 when one could not be measured."""
    parser = argparse.ArgumentParser(prog="motcua bench", description="Figures as ratios against a baseline.")
    parser.add_argument("name", nargs="*", metavar="NAME", help=f"one of: {', '.join((*NAMES, *WITH))}")
    parser.add_argument("--json", action="store_true", help="a list of name, unit, figure, baseline, ratio")
    parser.add_argument("--rounds", type=int, default=figures.ROUNDS, help="alternating rounds of each measure")
    given = parser.parse_args(arguments)
    figures.ROUNDS = given.rounds
    names = list(dict.fromkeys(WITH.get(name, name) for name in given.name)) or list(NAMES)
    for name in names:
        if name not in NAMES:
            parser.error(f"no figure {name}; there are {', '.join((*NAMES, *WITH))}")
    taken: list[Figure] = []
    for found in _measured(names):
        for figure in found:
            if not given.json:
                print(figure.line(), flush=True)
            taken.append(figure)
    if given.json:
        print(json.dumps([figure.row() for figure in taken], indent=1))
    return 0


def _measured(names: list[str]) -> Iterator[list[Figure]]:
    on_stores = [name for name in names if name in ON_STORES]
    if on_stores:
        with _system("bench-stores", []) as stores:
            yield from (ON_STORES[name](stores) for name in on_stores)
    others = [name for name in names if name not in ON_STORES]
    if others:
        with _system("bench", None) as system:
            house = House(system)
            try:
                # what rests is measured first: afterwards the rooms have worked and grown
                if "idle" in others:
                    yield idle.measure(house)
                if any(name in AGAINST_BASELINE for name in others):
                    with baseline(system) as base:
                        yield from (AGAINST_BASELINE[n](house, base) for n in AGAINST_BASELINE if n in others)
                if "path" in others:
                    yield path.measure(house)
            finally:
                house.close()


@contextmanager
def _system(name: str, rooms: list[str] | None) -> Iterator[System]:
    """A fresh system in rehearsal with the settings of `up`."""
    print(f"starting {'broker and database' if rooms == [] else 'the whole system'}", file=sys.stderr)
    system = System(state_of(None, name).top, rehearsal=True).start(rooms, fresh=True)
    try:
        yield system
    finally:
        system.stop()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
