"""Settings of the gateway's own."""

from __future__ import annotations

import pytest

from services.common.settings import SettingsError
from services.gateway.config import Config


def test_defaults_are_closed():
    config = Config.from_env({})
    assert (config.host, config.rate, config.proxies) == ("127.0.0.1", 1.0, ())


@pytest.mark.parametrize(
    "env",
    [{"MOTCUA_RATE_LIMIT": "much"}, {"MOTCUA_RATE_LIMIT": "-1"}, {"MOTCUA_TRUSTED_PROXIES": "everybody"}],
)
def test_what_is_wrong_is_named(env):
    with pytest.raises(SettingsError, match=next(iter(env))):
        Config.from_env(env)


def test_proxies_are_addresses_or_networks():
    assert Config.from_env({"MOTCUA_TRUSTED_PROXIES": "10.0.0.1, 10.1.0.0/16"}).proxies == ("10.0.0.1", "10.1.0.0/16")
