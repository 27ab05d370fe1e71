"""python -m deploy.demo: the main job, told twice; the second time under faults. Exit 0 only when both came out alike.

Started by `./motcua demo` with the settings of a running rehearsal (MOTCUA_STATE_DIR). `--once` leaves out the second
round.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from typing import Any

from deploy.demo.audit import Auditor
from deploy.demo.client import TRAFFIC
from deploy.demo.failure import paragraph
from deploy.demo.faults import Faults
from deploy.demo.main_job import STEPS, Step, StepFailed, Story
from deploy.demo.world import World
from deploy.local.system import System
from deploy.local.trouble import Trouble

FIRST, SECOND = "citizen-an", "citizen-binh"


class Teller:
    """Prints each step as it begins and as it is proven; `noted` are kills to be told with their step."""

    def __init__(self, faults: Faults | None = None) -> None:
        self._faults = faults
        self._told = 0

    def __call__(self, number: int, told: Step, proven: str | None, seconds: float) -> None:
        if proven is None:
            print(f"{number:3}/{len(STEPS)}  {told.vi}\n        {told.en}", flush=True)
            return
        print(f"        ✓ {proven}  ({seconds:.1f} s)", flush=True)
        for killed in self._faults.killed[self._told :] if self._faults else []:
            print(f"        ✗ {killed.headline()}", flush=True)
            self._told += 1


def round_one(world: World) -> Story:
    _title("Vòng 1: công việc chính, từ đầu đến cuối", "Round 1: the main job, from end to end")
    return Story(world, FIRST, say=Teller()).walk(STEPS)


def round_two(world: World, auditor: Auditor, before: Story) -> Story:
    _title(
        "Vòng 2: làm lại; khởi động lại broker một lần, kill -9 từng dịch vụ một lần giữa lúc đang xử lý",
        "Round 2: once more; the broker is restarted once, every service is killed once in the middle of a handler",
    )
    faults = Faults(world, auditor)
    story = Story(world, SECOND, during=faults.during, slowly=faults.slowly, say=Teller(faults),
                  expected=before.outcome["events"])  # fmt: skip
    story.walk(STEPS)
    killed = faults.finish()
    _title("Đã hồi phục", "How they came back")
    for row in killed:
        print(f"  {row.told()}")
    return story


def compare(first: dict[str, Any], second: dict[str, Any]) -> list[str]:
    """Where the two rounds' outcomes differ."""
    return [
        f"{name}: {first.get(name)!r} ≠ {second.get(name)!r}"
        for name in sorted(first.keys() | second.keys())
        if first.get(name) != second.get(name)
    ]


def audit(auditor: Auditor, stories: list[Story]) -> list[str]:
    """Everything that is lost, doubled or dead, over HTTP, queues and databases."""
    auditor.rest()
    found = auditor.faults()
    for story in stories:
        effects = auditor.effects(story.code)
        wanted = dict.fromkeys(effects, 1) | {"doubled notices": 0}
        found += [f"{story.code}: {name} {effects[name]}" for name in effects if effects[name] != wanted[name]]
    return found


def where(world: World, stories: list[Story]) -> None:
    """Prints where every screen and figure is."""
    system = world.system
    _title("Xem ở đâu", "Where every screen and figure is")
    rows = [
        ("Cổng và tài liệu API / portal and API page", f"{world.base_url}/docs  {world.base_url}/openapi.json"),
        *((f"Tra cứu / look-up {story.code}", f"{world.base_url}/api/v1/lookups/{story.code}") for story in stories),
        ("Số liệu / figures (ioc.mai)", f"{world.base_url}/api/v1/figures"),
        ("Sổ cái / ledger (ioc.mai)", f"{world.base_url}/api/v1/ledger?code={stories[0].code}"),
        *((f"Số đo / metrics {row.name}", f"http://127.0.0.1:{row.health_port}/metrics") for row in system.rows()
          if not row.simulator),
        *((f"Giả lập / simulator {row.name}", f"http://127.0.0.1:{row.http_port}") for row in system.rows()
          if row.simulator),
        ("Nhật ký / logs", str(system.state.logs)),
        ("Đầu sổ đã ký / signed ledger heads", str(system.state.ledger_heads)),
    ]  # fmt: skip
    for name, address in rows:
        print(f"  {name:45} {address}")


def _title(vi: str, en: str) -> None:
    print(f"\n== {vi}\n   {en}", flush=True)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m deploy.demo", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--once", action="store_true", help="only the first round")
    given = parser.parse_args(arguments)
    started = time.monotonic()
    try:
        system = System.attach(os.environ["MOTCUA_STATE_DIR"])
    except (KeyError, Trouble) as exc:
        print(f"No running rehearsal: {exc}\n  What to do: ./motcua demo", file=sys.stderr)
        return 1
    world, auditor = World(system), Auditor(system)
    try:
        stories = [round_one(world)]
        if not given.once:
            stories.append(round_two(world, auditor, stories[0]))
            differences = compare(stories[0].outcome, stories[1].outcome)
            _title("Kiểm toán: không mất, không trùng", "Audit: nothing lost, nothing doubled")
            found = [*differences, *audit(auditor, stories)]
            for line in found:
                print(f"  ✗ {line}")
            if found:
                raise AssertionError(f"{len(found)} findings of the audit")
            told = sum(1 for _ in auditor.told())
            print(f"  ✓ {told} sự kiện, mỗi sự kiện đúng một lần trong sổ cái; hai vòng cùng kết quả; không có thư chết"
                  "\n    events, each once in the ledger; both rounds alike; no dead letters")  # fmt: skip
        where(world, stories)
    except (StepFailed, AssertionError) as exc:
        return _failed(exc)
    finally:
        auditor.close()
        world.close()
    print(f"\n{TRAFFIC.requests} yêu cầu / requests, {TRAFFIC.repeats} gửi lại / sent again, "
          f"{time.monotonic() - started:.0f} s")  # fmt: skip
    return 0


def _failed(exc: Exception) -> int:
    print("\n" + paragraph(exc), file=sys.stderr)
    print("  Xem gì / What to look at: lines with \"level\":\"error\" in the logs, which are kept (below); the next "
          "./motcua demo begins anew", file=sys.stderr)  # fmt: skip
    return 1


if __name__ == "__main__":
    sys.exit(main())
