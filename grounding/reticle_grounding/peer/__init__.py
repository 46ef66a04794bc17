"""Our path beside plain transformers doing what published inference code does: same random weights, one run.

:mod:`.weights` makes the models, :mod:`.plain` is the other side, :mod:`.worker` serves one side in a process of its
own and :mod:`.bench` asks both in turn. ``reticle bench peer`` prints what comes of it.
"""
