"""Two roots of one name, look-alike authorities in the store and in the file: the same verdict for every hash seed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from deploy.local.paths import ROOT
from deploy.rehearsal import authority, papers
from tests.unit.signing.test_trust import look_alike

pytestmark = pytest.mark.req("SG-07")
_PROGRAM = """
import json, sys
from datetime import datetime
from pathlib import Path
from services.signing import trust
from services.signing.check import check_file
snapshot, found = trust.load(Path(sys.argv[1])), {}
moment = datetime.fromisoformat(sys.argv[3])
for path in sorted(Path(sys.argv[2]).glob("*.pdf")):
    report = check_file(path.read_bytes(), snapshot=snapshot, received=moment, now=moment)
    signature = report["signatures"][0]
    found[path.stem] = [report["verdict"], report["code"], signature, snapshot.version]
print(json.dumps(found, sort_keys=True))
"""


@pytest.fixture(scope="module")
def crowded(world: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A trust folder with re-keyed roots of the same names, and files that bring look-alikes of their issuers."""
    folder = tmp_path_factory.mktemp("crowded")
    trusted, files = folder / "trust", folder / "files"
    shutil.copytree(world.trust_folder, trusted)
    files.mkdir()
    twins = authority.Authority(folder / "twins")
    for number in range(3):
        for kind, name in (
            ("government", "Root chuyên dùng công vụ DIỄN TẬP"),
            ("public", "Root chứng thực công cộng DIỄN TẬP"),
        ):
            made = twins.found(f"{kind}-{number}", name)
            place = trusted / "anchors" / kind / f"twin-{number}.pem"
            place.write_bytes(made.certificate.public_bytes(serialization.Encoding.PEM))
            twins.write_list(f"{kind}-{number}", trusted / "crls")
    # an authority of our own authority's name under one of the twins
    twin = twins.found("twin-ca", "CA chuyên dùng công vụ DIỄN TẬP", parent="government-1")
    (trusted / "intermediates" / "twin-ca.pem").write_bytes(twin.certificate.public_bytes(serialization.Encoding.PEM))
    twins.write_list("twin-ca", trusted / "crls")
    under_twin = twins.issue("under-twin", authority.subject("Người ký", user_id="MST:3300100018"), issuer="twin-ca")
    forger = authority.new_key()
    real = [world.authority.authority(n).certificate for n in ("government-root", "government-ca")]
    fakes = tuple(look_alike(item, forger) for item in real)
    signer, foreign = world.token("agency-quang-thai"), world.token("foreign-quang-thai")
    stamp = world.token("timestamp")
    for name, token, timestamp in (
        ("plain", signer, None),
        ("stamped", signer, stamp),
        ("with-fakes", authority.Token("a", signer.certificate, signer.key, (*fakes, *signer.chain)), None),
        ("fakes-alone", authority.Token("b", signer.certificate, signer.key, fakes), stamp),
        ("under-twin", under_twin, None),
        ("foreign", foreign, None),
        ("foreign-with-real", authority.Token("c", foreign.certificate, foreign.key, (*foreign.chain, *real)), None),
        ("citizen", world.token("citizen-an"), None),
    ):  # fmt: skip
        signed = papers.sign(world.paper, token, at=world.monday, timestamp=timestamp)
        (files / f"{name}.pdf").write_bytes(signed)
    return trusted, files


def verdicts(crowded: tuple[Path, Path], seed: int, moment: str) -> dict[str, Any]:
    env = {**os.environ, "PYTHONHASHSEED": str(seed)}
    command = [sys.executable, "-W", "ignore", "-c", _PROGRAM, *map(str, crowded), moment]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def same_for(crowded: tuple[Path, Path], world: Any, seeds: range) -> None:
    first = verdicts(crowded, seeds[0], world.received.isoformat())
    open_ones = {name for name, (verdict, *_) in first.items() if verdict != "TOTAL_PASSED"}
    assert open_ones == {"foreign", "foreign-with-real"}
    assert len(first) == 8
    for seed in seeds[1:]:
        assert verdicts(crowded, seed, world.received.isoformat()) == first, seed


def test_the_verdict_is_the_same_for_three_seeds(crowded: tuple[Path, Path], world: Any) -> None:
    same_for(crowded, world, range(3))


@pytest.mark.full
def test_the_verdict_is_the_same_for_twenty_seeds(crowded: tuple[Path, Path], world: Any) -> None:
    same_for(crowded, world, range(20))
