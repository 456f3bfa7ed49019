"""Fixtures of the tests on the wire."""

import resource
from collections.abc import Iterator

import pytest

# Both ends of a connection for each of a thousand people, to Discord and to the API.
_OPEN_FILES = 8_000


@pytest.fixture
def many_files() -> Iterator[None]:
    """Let this process hold a connection for each of a thousand people."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(_OPEN_FILES, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
