"""The main job against containers, run where they are reached by name: python -m tests.support.boxed_story FOLDER

FOLDER is what the set-up step wrote. Only addresses differ from the demo's own story.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from deploy.demo.main_job import STEPS, Story
from deploy.demo.world import World
from deploy.images.prepare import HEALTH_PORT, HTTP_PORT
from deploy.rehearsal import authority


class BoxedWorld(World):
    """Everything at the address of its container; signatures by the authority that these containers trust."""

    def __init__(self, made: Path) -> None:
        self.made = made
        system: Any = SimpleNamespace(base_url=f"http://gateway:{HTTP_PORT}", env=self._operator)
        super().__init__(system)

    def _operator(self, _: str) -> dict[str, str]:
        lines = (self.made / "env/operator.env").read_text().splitlines()
        env = dict(line.split("=", 1) for line in lines)
        heads = self.made.parent / "volumes/ledger-heads"
        moved = {key: value.replace("/run/motcua", str(self.made)) for key, value in env.items()}
        return {**moved, "MOTCUA_LEDGER_HEADS": str(heads)}

    def simulator(self, name: str) -> str:
        return f"http://{name}-simulator:{HTTP_PORT}"

    def token(self, name: str) -> authority.Token:
        if name not in self._tokens:
            self._tokens[name] = authority.token(self.made / "pki", name)
        return self._tokens[name]

    def metric(self, process: str, name: str) -> float | None:
        text = self.simulators.get(f"http://{process}:{HEALTH_PORT}/metrics").text
        values = [
            float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith((name + "{", name + " "))
        ]
        return sum(values) if values else None


def main() -> int:
    world = BoxedWorld(Path(sys.argv[1]))
    try:
        story = Story(world, "citizen-an")
        story.walk(STEPS)
        print(story.code)
    finally:
        world.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
