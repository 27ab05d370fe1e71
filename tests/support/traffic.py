"""A journey that names a requirement must speak to the system while it runs: a hook for conftest, or `-p` of pytest."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from deploy.demo.client import TRAFFIC


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Fails a test with a `req` mark that sent no request to the gateway and no message to a partner's queue."""
    before = TRAFFIC.total
    result = yield
    if item.get_closest_marker("req") is not None and TRAFFIC.total == before:
        pytest.fail("names a requirement, but sent nothing through gateway or queues", pytrace=False)
    return result
