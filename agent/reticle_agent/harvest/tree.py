"""The visible part of a program's accessibility tree as plain nodes."""

from __future__ import annotations

from dataclasses import dataclass

from .bus import AccessibilityBus, Body, Call, Ref, property_call, unpacked
from .roles import DEFUNCT, LEAVES, SHOWING, role_name

ACCESSIBLE = "org.a11y.atspi.Accessible"
COMPONENT = "org.a11y.atspi.Component"
REGISTRY = Ref("org.a11y.atspi.Registry", "/org/a11y/atspi/accessible/root")
ON_SCREEN = 0
"""ATSPI_COORD_TYPE_SCREEN."""
MAX_NODES = 4000
MAX_CHILDREN = 600
"""Of one object; tables of many thousand rows list every cell."""

Extents = tuple[int, int, int, int]
"""left, top, width, height in the program's own units."""


@dataclass(frozen=True, slots=True)
class Program:
    """One program on the bus."""

    ref: Ref
    name: str
    pid: int
    toolkit: str


@dataclass(frozen=True, slots=True)
class Node:
    """One object that says it is showing."""

    ref: Ref
    role: str
    name: str
    description: str
    states: int
    """Bits by number of the state."""
    extents: Extents
    parent: int
    """Index in the tree, which lists parents before their children; -1 for a top-level window."""


def programs(bus: AccessibilityBus) -> list[Program]:
    """Every program that has registered."""
    refs = _refs(bus.call(Call(REGISTRY, ACCESSIBLE, "GetChildren")))
    daemon = Ref("org.freedesktop.DBus", "/org/freedesktop/DBus")
    calls = []
    for ref in refs:
        calls.append(Call(daemon, "org.freedesktop.DBus", "GetConnectionUnixProcessID", "s", (ref.owner,)))
        calls.append(property_call(ref, ACCESSIBLE, "Name"))
        calls += [property_call(ref, "org.a11y.atspi.Application", name) for name in ("ToolkitName", "Version")]
    answers = [unpacked(body) for body in bus.call_all(calls)]
    found = []
    for index, ref in enumerate(refs):
        pid, name, toolkit, version = answers[4 * index : 4 * index + 4]
        if isinstance(pid, int) and name:
            found.append(Program(ref, str(name), pid, f"{toolkit or 'unknown'} {version or ''}".strip()))
    return found


def read_tree(bus: AccessibilityBus, program: Program) -> list[Node]:
    """What the program shows, level by level; objects that do not answer are left out with what is below them."""
    nodes: list[Node] = []
    level = [(ref, -1) for ref in _refs(bus.call(Call(program.ref, ACCESSIBLE, "GetChildren")))]
    while level and len(nodes) < MAX_NODES:
        showing = _showing(bus, level[: MAX_NODES - len(nodes)])
        asked = []
        for ref, _, role, *_rest in showing:
            asked += [property_call(ref, ACCESSIBLE, "Name"), property_call(ref, ACCESSIBLE, "Description")]
            if role not in LEAVES:
                asked.append(Call(ref, ACCESSIBLE, "GetChildren"))
        answers = iter(bus.call_all(asked))
        level = []
        for ref, parent, role, states, extents in showing:
            name, description = (str(unpacked(next(answers)) or "") for _ in range(2))
            if role not in LEAVES:
                level += [(child, len(nodes)) for child in _refs(next(answers))[:MAX_CHILDREN]]
            nodes.append(Node(ref, role, name, description, states, extents, parent))
    return nodes


def _showing(bus: AccessibilityBus, level: list[tuple[Ref, int]]) -> list[tuple[Ref, int, str, int, Extents]]:
    """(object, parent, role, states, extents) of those that are showing."""
    calls = []
    for ref, _ in level:
        calls += [Call(ref, ACCESSIBLE, "GetState"), Call(ref, ACCESSIBLE, "GetRole")]
        calls.append(Call(ref, COMPONENT, "GetExtents", "u", (ON_SCREEN,)))
    answers = bus.call_all(calls)
    found = []
    for index, (ref, parent) in enumerate(level):
        state, role, extents = answers[3 * index : 3 * index + 3]
        bits = _bits(state)
        if bits >> SHOWING & 1 and not bits >> DEFUNCT & 1 and role and extents:
            left, top, width, height = (int(v) for v in extents[0])
            found.append((ref, parent, role_name(int(role[0])), bits, (left, top, width, height)))
    return found


def _bits(body: Body | None) -> int:
    words = body[0] if body else []
    return sum(int(word) << 32 * index for index, word in enumerate(words))


def _refs(body: Body | None) -> list[Ref]:
    return [Ref(str(owner), str(path)) for owner, path in (body[0] if body else []) if not path.endswith("/null")]
