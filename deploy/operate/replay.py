"""One room tells another again what it ever told: python -m deploy.operate.replay --from ROOM --to ROOM

For a room that is rebuilt from nothing; one that knows the events drops them by its inbox. The telling room works in
the background and says in its log when it is done (`replayed`) or why it ended early (`replay_cut_short`): ask again.
"""

from __future__ import annotations

import argparse
import sys

from deploy.operate.calls import Operator, explain
from services.common import wire
from services.common.problems import Problem


def again(operator: Operator, teller: str, hearer: str) -> int:
    """Asks for one replay; 1 where the other room listens to nothing. Raises Problem where a room does not answer."""
    answer = operator.call(f"{teller}.replay", to=hearer, timeout=15)
    if not answer["bindings"]:
        print(f"{hearer} không nghe sự kiện nào / listens to no events", file=sys.stderr)
        return 1
    print(
        f"{teller} → {hearer}: nhiều nhất {answer['events']} sự kiện được gửi lại / at most {answer['events']} events "
        f"are told again ({', '.join(answer['bindings'])})"
    )
    print(f'nhật ký của {teller} ghi "replayed" khi xong / the log of {teller} says "replayed" when it is done')
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; the exit status is 0 only when the room has begun."""
    parser = argparse.ArgumentParser(prog="motcua replay", description=__doc__)
    parser.add_argument("--from", dest="teller", required=True, choices=wire.ROOMS)
    parser.add_argument("--to", dest="hearer", required=True, choices=wire.ROOMS)
    given = parser.parse_args(arguments)
    try:
        with Operator() as operator:
            return again(operator, given.teller, given.hearer)
    except Problem as problem:
        print(explain(problem), file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
