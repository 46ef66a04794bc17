"""A planner behind any OpenAI-compatible chat-completions endpoint; docs/endpoint-planner.md describes it."""

from .address import Address, parse_address
from .marks import ScreenText
from .planner import EndpointOptions, EndpointPlanner, ReadScreen
from .post import Connection, EndpointError
from .vault import Vault

__all__ = [
    "Address",
    "Connection",
    "EndpointError",
    "EndpointOptions",
    "EndpointPlanner",
    "ReadScreen",
    "ScreenText",
    "Vault",
    "parse_address",
]
