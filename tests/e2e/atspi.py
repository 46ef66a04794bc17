"""Prints the accessibility tree of one application as JSON lines: role, name, text, states, box, depth.

Runs with the system's Python, which has pyatspi, on the session bus of the desktop under test.
"""

import json
import sys

import pyatspi


def walk(node, depth):
    try:
        text = node.queryText().getText(0, -1)
    except NotImplementedError:
        text = None
    try:
        at = node.queryComponent().getExtents(pyatspi.DESKTOP_COORDS)
        box = [at.x, at.y, at.width, at.height]
    except NotImplementedError:
        box = None
    states = [pyatspi.stateToString(state) for state in node.getState().getStates()]
    row = {"role": node.getRoleName(), "name": node.name, "text": text, "states": states, "box": box}
    row["depth"] = depth
    print(json.dumps(row))
    for child in node:
        if child is not None:
            walk(child, depth + 1)


wanted = sys.argv[1].lower()
for application in pyatspi.Registry.getDesktop(0):
    if application is not None and wanted in application.name.lower():
        walk(application, 0)
