"""A chat server for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from agent_fakes.chat_server import ChatServer, chat_server

from reticle_agent.planner.endpoint import post


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with chat_server() as running:
        yield running


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(post, "RETRY_S", 0.01)
    monkeypatch.setattr(post, "MAX_RETRY_S", 0.02)
