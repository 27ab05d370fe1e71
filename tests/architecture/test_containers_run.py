"""The compose file's processes run, as far as that can be shown without Docker: each in namespaces of its own."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.paths import ROOT
from tests.support.boxes import Boxes, impossible

pytestmark = pytest.mark.full


@pytest.fixture(scope="module")
def boxes() -> Iterator[Boxes]:
    why = impossible()
    if why:
        pytest.skip(why)
    # outside of the checkout, and where another user may pass
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="motcua-boxes-") as name:
        Path(name).chmod(0o755)
        made = Boxes(Path(name))
        try:
            made.start()
            yield made
        finally:
            made.stop()


def test_every_container_is_healthy(boxes):
    assert [name for name in boxes.processes if not boxes.healthy(name)] == []


def test_a_container_sees_its_own_secrets_and_cannot_write(boxes):
    look = "find /run/motcua/secrets -type f; ! touch /motcua/x 2>/dev/null; ! cat /etc/shadow 2>/dev/null; id -u"
    done = boxes.run("vault", ["sh", "-ec", look])
    assert done.returncode == 0, done.stdout
    assert sorted(done.stdout.decode().split()) == [
        "/run/motcua/secrets/data/vault.key", "/run/motcua/secrets/keys/vault-1.pem", "10001",
    ]  # fmt: skip


def test_a_dossier_goes_all_the_way_through_containers(boxes):
    argv = [sys.executable, "-m", "tests.support.boxed_story", str(boxes.made)]
    done = boxes.client(argv, {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "LANG": "C.UTF-8"})
    assert done.returncode == 0, done.stdout[-1500:] + done.stderr[-3000:]


def test_operators_commands_run_in_their_container(boxes):
    service = boxes.compose["services"]["operator"]
    done = boxes.run("operator", ["python", "-m", *service["command"]], within="client")
    assert done.returncode == 0 and b"no dead letters" in done.stdout, done.stdout
    done = boxes.run("operator", ["python", "-m", "deploy.operate.ledger", "verify"], within="client")
    assert done.returncode == 0, done.stdout


def test_they_end_in_order(boxes):
    """Last: a stop sends SIGTERM, as the engine does. Rooms end by themselves; simulators keep nothing."""
    ended = boxes.stop()
    assert {name: status for name, status in ended.items() if status != 0 and not name.endswith("-simulator")} == {}
    assert [name for name in ended if '"stopped_with_work_in_hand"' in boxes.log(name)] == []
