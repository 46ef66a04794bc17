"""Running applications as a private training set: pictures of their windows with true boxes from accessibility.

Nothing here leaves the machine. ``harvest`` in :mod:`.take` is the entry point; rows are those of captured screens.
"""
