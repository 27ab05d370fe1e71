"""`./motcua verify`: sets up what it needs, no more, and hands over to deploy/operate/verify.py. Touches no system."""

from __future__ import annotations

import subprocess
from pathlib import Path

from deploy.local.bootstrap import clean_environment, set_up
from deploy.local.paths import ROOT, VENV_PYTHON
from deploy.local.processes import end_with_parent
from deploy.local.trouble import Trouble, complain

_MISUSE = 2


def verify(arguments: list[str], stands: Path) -> int:
    """The exit status of the check; what keeps it from running at all is 2, never 1 ("not every file passed")."""
    # The demo's trust is made only for who asks for it.
    own_trust = any(word == "--trust" or word.startswith("--trust=") for word in arguments)
    try:
        set_up(fonts_too=False, authority=not own_trust)
    except Trouble as trouble:
        complain(str(trouble))
        return _MISUSE
    except KeyboardInterrupt:
        return 130
    # -P: files that lie where the caller stands are checked, never imported
    command = [str(VENV_PYTHON), "-P", "-W", "ignore", "-m", "deploy.operate.verify", *arguments]
    environment = {**clean_environment(), "PYTHONPATH": str(ROOT)}
    child = subprocess.Popen(command, cwd=stands, env=environment, preexec_fn=end_with_parent)
    while True:
        try:
            return child.wait()
        except KeyboardInterrupt:  # the terminal told the child as well
            continue
