"""Models kept on this machine: where they come from, what they may be used for, and whether they are still whole.

Only :mod:`.hub` speaks with the network, and only when a model is pulled. Nothing here imports Qt.
"""
