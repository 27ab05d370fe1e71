"""The trust folder of a rehearsal, made at its start: `deploy/rehearsal/trust_folder.py` with this system's addresses.

Kept while the test authority and the address of its responders stay what they were; made again otherwise, under a
higher number, for a room takes none that is older than what it had.
"""

from __future__ import annotations

import os
import subprocess
import time

from deploy.local.bootstrap import clean_environment
from deploy.local.paths import PKI, ROOT, TRUST, VENV_PYTHON, State, digest_of, read_json, write_json
from deploy.local.processes import end_with_parent
from deploy.local.table import Ports
from deploy.local.trouble import Trouble


class RehearsedTrust:
    """Begun while broker and database start; `finish` before the rooms do."""

    def __init__(self, state: State, ports: Ports) -> None:
        self._note = state.rehearsal_trust / "made.json"
        self._running: subprocess.Popen[str] | None = None
        if os.environ.get("MOTCUA_TRUST"):  # the operator's own: nothing of ours is put there
            return
        url = f"http://127.0.0.1:{ports['authority.http']}"
        roots = sorted([*TRUST.glob("anchors/*/*"), *TRUST.glob("intermediates/*"), *PKI.glob("trust-keys")])
        known = read_json(self._note) or {}
        self._about = {"authority": digest_of(*roots), "url": url}
        if {name: known.get(name) for name in self._about} == self._about:
            return
        # seconds, so that a folder made later has the higher number, whatever database the system was given since
        self._number = int(time.time())
        command = [str(VENV_PYTHON), "-m", "deploy.rehearsal.trust_folder", "--pki", str(PKI), "--from", str(TRUST)]
        command += ["--to", str(state.rehearsal_trust), "--authority", url, "--number", str(self._number)]
        self._running = subprocess.Popen(
            command, cwd=ROOT, env=clean_environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, preexec_fn=end_with_parent,
        )  # fmt: skip

    def finish(self) -> None:
        """Raises Trouble where it could not be made."""
        if self._running is None:
            return
        said, _ = self._running.communicate()
        if self._running.returncode != 0:
            raise Trouble(
                f"The rehearsal's trust folder could not be made: {said.strip()[-500:]}",
                "remove .motcua/pki and .motcua/trust, then run the same again",
            )
        write_json(self._note, self._about)
