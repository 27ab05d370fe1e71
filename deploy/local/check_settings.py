"""Checks what an operator has set, by the rooms' own rules and before anything starts (the environment's Python):

  python -m deploy.local.check_settings [TRUST]      TRUST: the folder of trust anchors, where it counts

Prints what is wrong and returns 1. A room checks all this again when it starts; here it is said in a moment.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from deploy.local.table import GATEWAY_ONLY, HANDED_ON, OUTSIDE
from services.common.settings import Settings, SettingsError
from services.gateway.config import Config
from services.signing import trust
from services.signing.trust_configuration import read_keys

#: What set-up gives to a process besides; any of its kind does, for it is not what is checked.
_MADE = {
    "MOTCUA_ROOM": "gateway",
    "MOTCUA_AMQP_URL": "amqp://127.0.0.1",
    "MOTCUA_HEALTH_PORT": "0",
    "MOTCUA_KEY": __file__,
    "MOTCUA_PUBLIC_KEYS": str(Path(__file__).parent),
}
_GIVEN = (*HANDED_ON, *GATEWAY_ONLY, *OUTSIDE, "MOTCUA_PUBLIC_URL", "MOTCUA_LOG_LEVEL")


def fault(given: dict[str, str], anchors: Path | None) -> str:
    """What is wrong, beginning with the name of the setting; empty where nothing is."""
    env = {**{name: value for name, value in given.items() if name in _GIVEN}, **_MADE}
    try:
        Settings.from_env(env)
        Config.from_env(env)
        if anchors is not None:
            keys = read_keys(given.get("MOTCUA_TRUST_KEYS", ""))
            if not keys:
                return "MOTCUA_TRUST_KEYS is not set: nobody may sign who is trusted (docs/operations/trust.md)"
            trust.load(anchors, keys)
    except SettingsError as exc:
        return str(exc)
    except ValueError as exc:
        return f"MOTCUA_TRUST_KEYS {exc}"
    except (trust.TrustError, OSError) as exc:
        return f"MOTCUA_TRUST holds what cannot be read: {exc}"
    return ""


def main(arguments: list[str]) -> int:
    found = fault(dict(os.environ), Path(arguments[0]) if arguments else None)
    print(found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
