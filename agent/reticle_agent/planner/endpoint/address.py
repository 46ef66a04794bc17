"""Where an endpoint is, and whether it may be spoken to.

A key or a screen in the clear is for this machine alone: any other host needs TLS unless plain HTTP was allowed.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from reticle_grounding.errors import BadInput

CHAT = "/chat/completions"
PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Address:
    """A checked endpoint; make it with :func:`parse_address`."""

    tls: bool
    host: str
    port: int
    path: str
    """Of the chat-completions resource."""
    loopback: bool

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}{self.path}"


def parse_address(url: str, *, allow_plain: bool = False) -> Address:
    """The endpoint behind a base address such as ``http://127.0.0.1:11434/v1``.

    Raises BadInput for another scheme, for plain HTTP to another machine without ``allow_plain``, and for an address
    that holds a user, a password, a query or a fragment (a key in an address ends up in logs).
    """
    shown = url if len(url) <= 100 and "@" not in url else "that was given"
    if not url.isascii() or not url.isprintable() or any(c.isspace() for c in url):
        raise BadInput("the endpoint's address holds spaces or characters that no address has; use ASCII")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise BadInput(f"the endpoint's address {shown} cannot be read: {error}") from None
    if parts.scheme not in PORTS:
        raise BadInput(f"the endpoint's address {shown} must begin with http:// or https://")
    if parts.username is not None or parts.password is not None:
        raise BadInput("the endpoint's address must not hold a user or a key; the key comes from the environment")
    if parts.query or parts.fragment:
        raise BadInput(f"the endpoint's address {shown} must end with its path, without ? and #")
    host = parts.hostname
    if not host or port == 0:
        raise BadInput(f"the endpoint's address {shown} names no host and port; say e.g. http://127.0.0.1:11434/v1")
    address = Address(parts.scheme == "https", host, port or PORTS[parts.scheme], _path(parts), is_loopback(host))
    if not (address.tls or address.loopback or allow_plain):
        raise BadInput(
            f"{host} is another machine and {parts.scheme}:// is not encrypted: what is on the screen would be readable"
            " on the way; use https:// or allow plain HTTP explicitly"
        )
    return address


def _path(parts: SplitResult) -> str:
    path = parts.path.rstrip("/")
    return path if path.endswith(CHAT) else path + CHAT


def is_loopback(host: str) -> bool:
    """Whether a host name is this machine by its name alone; nothing is looked up."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
