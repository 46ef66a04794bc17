"""Prints what applications announce over the accessibility bus, one JSON line each, until it is ended.

Runs with the system's Python, which has pyatspi, on the session bus of the desktop under test.
"""

import json

import pyatspi

EVENTS = ("object:text-changed:insert", "object:state-changed:checked", "window:activate", "window:deactivate")


def window_of(node):
    while node is not None and node.getRoleName() not in ("frame", "dialog", "window"):
        node = node.parent
    return node.name if node is not None else ""


def show(event):
    try:
        row = {
            "event": str(event.type),
            "role": event.source.getRoleName(),
            "name": event.source.name,
            "window": window_of(event.source),
            "data": event.any_data if isinstance(event.any_data, str) else None,
        }
    except Exception as gone:  # the object may have gone before it could be asked
        row = {"event": str(event.type), "gone": str(gone)}
    print(json.dumps(row), flush=True)


pyatspi.Registry.registerEventListener(show, *EVENTS)
print(json.dumps({"event": "ready"}), flush=True)
pyatspi.Registry.start()
