"""What only some elements are asked for: values and labels."""

from __future__ import annotations

from collections.abc import Sequence

from .bus import AccessibilityBus, Body, Call, Ref, property_call, unpacked
from .roles import FIELDS, HIDDEN_TEXT, NUMBERS, TEXT_FIELDS
from .tree import ACCESSIBLE, Node

LABELLED_BY = 2
"""ATSPI_RELATION_LABELLED_BY."""
MULTI_LINE = 17
"""State of an editor; what is written there is a document, not a value."""
MAX_VALUE = 200
SECRETS = ("password", "passphrase", "passwort", "mot de passe", "contraseña", "secret", "pin code")
"""Names of fields whose content is never kept, whatever their role says."""


def labels_and_values(bus: AccessibilityBus, nodes: Sequence[Node]) -> list[tuple[str, str | float | None]]:
    """(label, value) per node: the text of the labelled-by relation or "", and what the field holds or None."""
    labels = _labels(bus, nodes)
    asked = [_value_call(node, label) for node, label in zip(nodes, labels, strict=True)]
    answers = iter(bus.call_all([call for call in asked if call is not None]))
    values = [None if call is None else _plain(unpacked(next(answers))) for call in asked]
    return list(zip(labels, values, strict=True))


def _labels(bus: AccessibilityBus, nodes: Sequence[Node]) -> list[str]:
    fields = [i for i, node in enumerate(nodes) if node.role in FIELDS or not node.name]
    relations = bus.call_all([Call(nodes[i].ref, ACCESSIBLE, "GetRelationSet") for i in fields])
    targets = [(i, target) for i, body in zip(fields, relations, strict=True) for target in _labelling(body)]
    names = bus.call_all([property_call(target, ACCESSIBLE, "Name") for _, target in targets])
    labels = [""] * len(nodes)
    for (index, _), body in zip(targets, names, strict=True):
        labels[index] = labels[index] or str(unpacked(body) or "").strip()
    return labels


def _labelling(body: Body | None) -> list[Ref]:
    sets = body[0] if body else []
    return [Ref(str(o), str(p)) for kind, targets in sets if kind == LABELLED_BY for o, p in targets]


def is_secret(role: str, *texts: str) -> bool:
    """Whether the content of a field must not be kept."""
    return role == HIDDEN_TEXT or any(word in text.lower() for text in texts for word in SECRETS)


def _value_call(node: Node, label: str) -> Call | None:
    if is_secret(node.role, node.name, node.description, label):
        return None
    if node.role in NUMBERS:
        return property_call(node.ref, "org.a11y.atspi.Value", "CurrentValue")
    if node.role in TEXT_FIELDS and not node.states >> MULTI_LINE & 1:
        return Call(node.ref, "org.a11y.atspi.Text", "GetText", "ii", (0, MAX_VALUE))
    return None


def _plain(value: object) -> str | float | None:
    if isinstance(value, str):
        return value[:MAX_VALUE] or None
    return float(value) if isinstance(value, (int, float)) else None
