"""Who may import what: rooms, kernel, gateway, and where the engine (nameko, kombu, eventlet, pymongo) may be seen."""

from __future__ import annotations

import ast
import configparser
import functools

import pytest
from importlinter.application.use_cases import lint_imports
from importlinter.configuration import configure

from tests.architecture.source import DOMAIN_ROOMS, ROOMS, ROOT, SERVICES, File, files, of_rooms, reaches

CONTRACTS = ROOT / "tests/architecture/import-contracts.ini"

#: What moves messages, greenlets and documents. A room's own rules must not know any of it.
ENGINE = {
    "nameko", "kombu", "amqp", "eventlet", "greenlet", "pymongo", "bson", "gridfs", "pika", "aiormq", "aio_pika",
    "pamqp",
}  # fmt: skip

#: Files whose business the engine is, in every room.
RIM_NAMES = {"service.py", "store.py", "__main__.py"}

#: Further files that may touch it, each for its reason.
NAMED_RIM = {
    "services/exchange/delivery.py": "sends in greenlets of its own and claims what is due in the database",
    "services/gateway/bus.py": "the gateway's side of the RPC protocol, in asyncio",
    "services/oversight/reactions.py": "tells a lost write from a wrong one",
    "services/postal/partner.py": "the partner's own queues",
    "services/vault/bytes.py": "GridFS: the bytes themselves",
    "services/vault/door.py": "the internal HTTP door for bytes, in green threads",
}

#: Modules of the kernel through which a file does input or output. What imports none of them is pure.
OUTSIDE = {
    f"services.common.{name}"
    for name in (
        "bus", "context", "files", "health", "idempotency", "kernel", "logs", "run", "settings", "store", "timers",
        "unit", "workers", "worker_program",
    )
}  # fmt: skip
_IO = {"socket", "http", "urllib.request", "subprocess", "httpx", "requests", "asyncio", "threading", "os", "shutil"}

#: The heart of each room: these files are pure, whatever else changes.
DOMAIN = {
    "services.identity.normalization", "services.intake.dossier", "services.intake.guidance",
    "services.processing.case", "services.processing.clock", "services.processing.results", "services.payment.order",
    "services.payment.vnpay", "services.oversight.ledger", "services.oversight.recognition",
    "services.postal.shipments", "services.exchange.sync", "services.exchange.status_codes", "services.common.slips",
    "services.common.calendar", "services.common.deadlines", "services.signing.verdict", "services.signing.findings",
    "services.notifier.templates",
}  # fmt: skip


def in_rim(file: File) -> bool:
    return file.path.name in RIM_NAMES or "adapters" in file.path.parts or file.name in NAMED_RIM


def test_contracts_of_the_import_linter_hold(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    configure()
    kept = lint_imports(config_filename=str(CONTRACTS), cache_dir=None)
    assert kept, capsys.readouterr().out[-4000:]


def test_a_broken_contract_is_noticed(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    configure()
    wrong = tmp_path / "wrong.ini"
    wrong.write_text(
        "[importlinter]\nroot_package = services\n[importlinter:contract:x]\nname = x\ntype = forbidden\n"
        "source_modules = services.intake\nforbidden_modules = services.common\n"
    )
    assert not lint_imports(config_filename=str(wrong), cache_dir=None)
    assert "services.common" in capsys.readouterr().out


def test_the_contracts_name_every_room_there_is():
    there = {path.name for path in SERVICES.iterdir() if path.is_dir() and path.name not in ("common", "__pycache__")}
    assert there == set(ROOMS)
    contracts = configparser.ConfigParser()
    contracts.read(CONTRACTS)
    named = {f"services.{room}" for room in ROOMS}
    assert set(contracts["importlinter:contract:rooms"]["modules"].split()) == named
    assert set(contracts["importlinter:contract:kernel"]["forbidden_modules"].split()) == named


def test_nothing_is_imported_by_a_computed_name():
    # the import linter reads import statements: what is imported otherwise would pass unseen
    found = []
    for file in files():
        if reaches(file.imports(typing_too=True), {"runpy", "pkgutil", "importlib.import_module", "importlib.util"}):
            found.append(file.name)
        found += [
            f"{file.name}:{call.lineno} {name}"
            for name, call in file.calls()
            if name.split(".")[-1] in ("import_module", "__import__", "exec", "eval", "run_module", "run_path")
        ]
    assert found == []


def test_the_engine_is_seen_in_the_rim_only():
    found = {
        file.name: sorted(reaches(file.imports(), ENGINE))
        for file in of_rooms()
        if not in_rim(file) and reaches(file.imports(), ENGINE)
    }
    assert found == {}


def test_named_exceptions_are_needed():
    known = {file.name: file for file in files()}
    for name, reason in NAMED_RIM.items():
        assert name in known, f"{name} is gone: take it off the list ({reason})"
        assert reaches(known[name].imports(), ENGINE), f"{name} needs the engine no more: take it off the list"


def test_rooms_know_no_engine_of_the_bus_beside_the_kernel():
    # nameko and kombu can be changed in one place: no room imports them, not even in its rim
    for file in of_rooms():
        assert not reaches(file.imports(), {"nameko", "kombu"}), file.name


def test_the_gateway_has_no_eventlet_and_no_database():
    for file in of_rooms():
        if file.room == "gateway":
            assert not reaches(file.imports(), {"eventlet", "greenlet", "nameko", "kombu", "amqp", "pymongo", "bson"})


@functools.cache
def pure() -> dict[str, File]:
    """Files that reach no input or output, directly or through files of their own room or the kernel."""
    known = {file.module: file for file in files()}
    impure = {
        module
        for module, file in known.items()
        if in_rim(file) or reaches(file.imports(), ENGINE | OUTSIDE | _IO) or module in OUTSIDE
    }
    while True:
        more = {
            module
            for module, file in known.items()
            if module not in impure and any(i in impure for i in file.imports() if i in known)
        }
        if not more:
            return {module: file for module, file in known.items() if module not in impure}
        impure |= more


@pytest.mark.parametrize("module", sorted(DOMAIN))
def test_the_domain_is_pure(module):
    assert module in pure(), f"{module} reaches input or output"


def test_every_room_with_rules_has_pure_files():
    rooms = {file.room for file in pure().values() if not file.path.name.startswith("__")}
    assert set(DOMAIN_ROOMS) <= rooms


_CLOCKS = {"datetime.now", "datetime.utcnow", "date.today", "datetime.today", "time.time", "time.monotonic"}


def test_pure_files_have_no_clock_of_their_own():
    # business time is an argument: a file that looks at the machine's clock cannot be rehearsed
    found = [
        f"{file.name}:{call.lineno} {name}"
        for file in pure().values()
        for name, call in file.calls()
        if any(name.endswith(clock) for clock in _CLOCKS) and file.module not in ("services.common.actors",
                                                                                  "services.common.clock")
    ]  # fmt: skip
    assert found == []


@pytest.mark.parametrize("room", DOMAIN_ROOMS)
def test_patching_is_the_first_thing_a_program_does(room):
    """Any import before eventlet.monkey_patch() would keep unpatched sockets and locks (engine.md)."""
    tree = ast.parse((SERVICES / room / "__main__.py").read_text())
    body = [
        node
        for node in tree.body
        if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        and not (isinstance(node, ast.ImportFrom) and node.module == "__future__")
    ]
    assert ast.unparse(body[0]) == "import eventlet"
    assert ast.unparse(body[1]) == "eventlet.monkey_patch()"


def test_nothing_else_patches():
    for file in files():
        if file.path.name != "__main__.py" or file.room == "gateway":
            assert not [name for name, _ in file.calls() if name.endswith("monkey_patch")], file.name
