"""``python -m reticle_grounding.training``: generated targets, shards, tokenizer, training (see ``--help``)."""

from __future__ import annotations

from .commands import main

if __name__ == "__main__":
    raise SystemExit(main())
