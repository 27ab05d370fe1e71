"""Settings: a process that cannot be configured names the variable and never shows its value."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.common.settings import Settings, SettingsError


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "intake-1.pem").write_text("key")
    (tmp_path / "public").mkdir()
    return {
        "MOTCUA_ROOM": "intake",
        "MOTCUA_AMQP_URL": "amqp://intake:secret@127.0.0.1:5672/motcua",
        "MOTCUA_MONGO_URL": "mongodb://intake:secret@127.0.0.1/intake?replicaSet=motcua&authSource=intake",
        "MOTCUA_HEALTH_PORT": "9000",
        "MOTCUA_KEY": str(tmp_path / "intake-1.pem"),
        "MOTCUA_DATA_KEY": str(tmp_path / "intake.key"),
        "MOTCUA_PUBLIC_KEYS": str(tmp_path / "public"),
    }


def test_the_least_that_a_room_needs(env):
    settings = Settings.from_env(env)
    assert settings.room == "intake"
    assert settings.kid == "intake-1"
    assert settings.health_port == 9000
    assert not settings.rehearsal
    assert settings.clock_offset == 0
    assert settings.http_port is None
    assert settings.retry_schedule == (1, 1, 5, 5, 30, 30, 30, 30)
    assert settings.cors_origins == ()
    assert settings.vneid_from is None and settings.vneid_url == ""


def test_health_is_for_this_machine_unless_said_otherwise(env):
    assert Settings.from_env(env).health_host == "127.0.0.1"
    assert Settings.from_env({**env, "MOTCUA_HEALTH_HOST": "0.0.0.0"}).health_host == "0.0.0.0"


@pytest.mark.parametrize("name", ["ROOM", "AMQP_URL", "MONGO_URL", "HEALTH_PORT", "KEY", "PUBLIC_KEYS", "DATA_KEY"])
@pytest.mark.parametrize("how", ["missing", "empty"])
def test_what_is_missing_is_named(env, name, how):
    if how == "missing":
        del env[f"MOTCUA_{name}"]
    else:
        env[f"MOTCUA_{name}"] = ""
    with pytest.raises(SettingsError, match=f"MOTCUA_{name} "):
        Settings.from_env(env)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HEALTH_PORT", "many"),
        ("HTTP_PORT", "80a"),
        ("VNEID_FROM", "tomorrow"),
        ("VNEID_FROM", "2024-07-01T00:00:00"),  # of no zone
        ("VNEID_URL", "vneid.example.vn"),
        ("MAX_WORKERS", "1.5"),
        ("AMQP_URL", "http://secret@elsewhere"),
        ("VAULT_URL", "ftp://secret"),
        ("SCANNER", "tcp://10.0.0.5:3310"),  # people's papers stay on this machine
        ("SCANNER", "tcp://clamav:3310"),
        ("SCANNER", "unix:relative"),
        ("REHEARSAL", "yes"),
        ("CLOCK_OFFSET", "soon"),
        ("CLOCK_OFFSET", "60"),  # without rehearsal
        ("RETRY_SCHEDULE", "1,2"),
        ("RETRY_SCHEDULE", ""),
        ("KEY", "/nowhere/secret.pem"),
        ("PUBLIC_KEYS", "/nowhere/secret"),
    ],
)
def test_what_is_malformed_is_named_without_its_value(env, name, value):
    env[f"MOTCUA_{name}"] = value
    with pytest.raises(SettingsError, match=f"MOTCUA_{name} ") as caught:
        Settings.from_env(env)
    assert "secret" not in str(caught.value)


def test_the_gateway_has_no_database(env):
    del env["MOTCUA_MONGO_URL"]
    env["MOTCUA_ROOM"] = "gateway"
    assert Settings.from_env(env).mongo_url is None


def test_rehearsal_allows_the_clock_to_be_moved(env):
    settings = Settings.from_env({**env, "MOTCUA_REHEARSAL": "1", "MOTCUA_CLOCK_OFFSET": "-3600.5"})
    assert settings.rehearsal
    assert settings.clock_offset == -3600.5


def test_lists_and_paths(env, tmp_path):
    given = {**env, "MOTCUA_CORS_ORIGINS": "https://a.vn,https://b.vn,", "MOTCUA_RETRY_SCHEDULE": "1,30",
             "MOTCUA_TRUST": str(tmp_path)}  # fmt: skip
    settings = Settings.from_env(given)
    assert settings.cors_origins == ("https://a.vn", "https://b.vn")
    assert settings.retry_schedule == (1, 30)
    assert settings.trust == tmp_path
