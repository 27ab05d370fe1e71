"""The room's hold on its trust folder: what was verified last stays in use, whatever becomes of the folder.

A folder that can be used is copied to a place of the room's own, and workers read that copy through one link, which is
swapped as a whole: a worker that starts while the folder is damaged, half written, unsigned or older than what is in
use still gets the last good version. Nothing is restarted.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from services.common import logs
from services.signing import metrics, trust
from services.signing.archive import FOLDER as ARCHIVE
from services.signing.trust_configuration import MANIFEST, SIGNATURES, Keys, TrustError

_PARTS = (*(f"anchors/{kind}" for kind in trust.KINDS), "intermediates", "crls", "ocsps", SIGNATURES)


class TrustKeeper:
    """Made at start: raises TrustError where the folder cannot be used.

    `keys`: who may sign its manifest; None where it is believed as it lies there. `least` is the number that was in use
    before, `in_use` is told of each new one, so that a restart does not open the way back to an older version.
    """

    def __init__(
        self, source: Path, keys: Keys | None, *, least: int = 0, in_use: Callable[[int], None] | None = None
    ) -> None:
        self._source, self._keys = source, keys
        self._least, self._in_use = least, in_use
        self._own = Path(tempfile.mkdtemp(prefix="trust-"))
        self._turn = 0
        self.version = ""
        self.number: int | None = None
        self._refused = ""
        self._bad: object = None
        self._seen = trust.state_of(source)
        try:
            self._adopt()
        except TrustError:
            self.close()
            raise

    @property
    def folder(self) -> Path:
        """What workers read: a link to the copy in use."""
        return self._own / "current"

    def close(self) -> None:
        shutil.rmtree(self._own, ignore_errors=True)

    def look(self) -> str:
        """The version in use, after a look whether the folder has changed."""
        seen = trust.state_of(self._source)
        lost = not self.folder.exists()  # somebody has cleared the place of temporary files
        if lost or seen not in (self._seen, self._bad):
            try:
                self._adopt()
            except (TrustError, OSError) as fault:
                # what was found wrong is not copied again with every check; a full disk may have room by then
                self._bad = seen if isinstance(fault, TrustError) else None
                if str(fault) != self._refused:
                    self._refused = str(fault)
                    logs.error("trust_refused", reason=self._refused, in_use=self.version)
                metrics.record_trust(self.number, refused=True)
                return self.version
            self._seen, self._bad = seen, None
        elif seen == self._seen and self._bad is not None:  # put back as it was
            self._bad, self._refused = None, ""
            metrics.record_trust(self.number, refused=False)
        return self.version

    def _adopt(self) -> None:
        """Copy, then verify the copy: what was verified and what workers read are the same bytes."""
        self._turn += 1
        copy = self._own / str(self._turn)
        try:
            self._copy_to(copy)
            found = trust.read(copy, self._keys)
            trust.parsed(found)  # what workers would stumble over
            if found.number is not None and found.number < max(self._least, self.number or 0):
                newest = max(self._least, self.number or 0)
                raise TrustError(f"{MANIFEST} number {found.number} is older than {newest}, which was in use")
        except BaseException:
            shutil.rmtree(copy, ignore_errors=True)
            raise
        if found.number is not None and found.number != self.number and self._in_use is not None:
            self._in_use(found.number)
        self._swap(copy)
        changed = found.version != self.version
        self.version, self.number, self._refused = found.version, found.number, ""
        metrics.record_trust(self.number, refused=False)
        if changed:
            logs.info("trust_adopted", configuration=self.number, version=self.version)

    def _copy_to(self, copy: Path) -> None:
        copy.mkdir(parents=True)
        files = [self._source / MANIFEST]
        for part in _PARTS:
            files += sorted(p for p in (self._source / part).glob("*") if p.is_file() and not p.name.startswith("."))
        for file in files:
            target = copy / file.relative_to(self._source)
            target.parent.mkdir(parents=True, exist_ok=True)
            # gone since it was listed: the next look sees the folder as it is then
            with contextlib.suppress(FileNotFoundError):
                shutil.copy2(file, target)
        (copy / ARCHIVE).symlink_to((self._source / ARCHIVE).resolve())

    def _swap(self, copy: Path) -> None:
        link = self._own / "next"
        link.symlink_to(copy)
        os.replace(link, self.folder)
        # A worker may be reading the one before; those before that are read by nobody.
        for old in self._own.iterdir():
            if old.name.isdigit() and int(old.name) < self._turn - 1:
                shutil.rmtree(old, ignore_errors=True)
