"""The operator of a database given by address: it does its work on our databases and can do nothing else there."""

from __future__ import annotations

import secrets

import pymongo
import pytest
from pymongo.errors import OperationFailure

from deploy.local.prepare_database import make_user, roles_on
from deploy.operate import ledger, migrate
from services.common import wire

UNAUTHORIZED = 13
NAME = "operator-by-address"


@pytest.fixture
def url(stores, data):
    """The address of a user with just these roles; `operator` itself is root on our own mongod."""
    password = secrets.token_hex(16)
    data["elsewhere"]["things"].insert_one({"of": "somebody else"})
    make_user(data, "admin", NAME, "an-earlier-password", ["root"])
    make_user(data, "admin", NAME, password, roles_on(list(wire.ROOMS)))  # what an earlier release gave is taken away
    yield f"mongodb://{NAME}:{password}@{stores.addresses.database}/admin?replicaSet=motcua&authSource=admin"
    data.admin.command("dropUser", NAME)
    data.drop_database("elsewhere")


@pytest.fixture
def client(url):
    made: pymongo.MongoClient = pymongo.MongoClient(url, serverSelectionTimeoutMS=10_000)
    yield made
    made.close()


def test_it_works_on_our_databases(client):
    assert client.admin.command("ping")["ok"] == 1
    for room in wire.ROOMS:
        probe = client[room]["rights_probe"]
        probe.insert_one({"_id": "a"})
        probe.create_index("b")
        assert "rights_probe" in client[room].list_collection_names()
        with client.start_session() as session, session.start_transaction():
            probe.update_one({"_id": "a"}, {"$set": {"b": 1}}, session=session)
        assert probe.count_documents({"b": 1}) == 1
        probe.drop()


def test_migrations_and_the_ledger_run_with_it(url, monkeypatch, tmp_path, capsys):
    assert migrate.main([], url) == 0
    monkeypatch.setenv("MOTCUA_MONGO_URL_ADMIN", url)
    monkeypatch.setenv("MOTCUA_LEDGER_HEADS", str(tmp_path))
    monkeypatch.setenv("MOTCUA_PUBLIC_KEYS", str(tmp_path))
    monkeypatch.setattr(ledger, "ENTERED_WITHIN", 0.0)  # no oversight runs here that could enter what is missing
    assert ledger.main(["figures"]) == 0, capsys.readouterr()
    assert ledger.main(["verify"]) in (0, 1)  # 2: the database could not be read


def test_it_is_nobody_on_the_rest_of_the_server(client):
    commands = (
        ("admin", "createUser", "intruder", {"pwd": "x", "roles": []}),
        ("admin", "grantRolesToUser", NAME, {"roles": ["root"]}),
        ("intake", "createUser", "intruder", {"pwd": "x", "roles": []}),
        ("intake", "updateUser", "intake", {"pwd": "x"}),
        ("intake", "usersInfo", "intake", {}),
        ("admin", "replSetGetConfig", 1, {}),
        ("admin", "replSetReconfig", {"_id": "motcua"}, {}),
        ("admin", "shutdown", 1, {}),
        ("admin", "getParameter", "*", {}),
        ("elsewhere", "dropDatabase", 1, {}),
        ("elsewhere", "find", "things", {}),
        ("elsewhere", "insert", "things", {"documents": [{"of": "ours"}]}),
        ("admin", "find", "system.users", {}),
        ("local", "find", "oplog.rs", {}),
    )
    for database, name, value, more in commands:
        with pytest.raises(OperationFailure) as refused:
            client[database].command(name, value, **more)
        assert refused.value.code == UNAUTHORIZED, (database, name)
    assert set(client.list_database_names()) <= set(wire.ROOMS)
