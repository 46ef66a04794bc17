"""Packages that only servers need: looked for before they are used, named when they are missing."""

from __future__ import annotations

from importlib.util import find_spec

from reticle_grounding.errors import BadInput

NEEDS = {"server": ("fastapi", "uvicorn"), "mcp": ("mcp", "uvicorn"), "ray": ("ray", "fastapi", "uvicorn", "pyarrow")}
"""Extra -> modules it brings."""


def require_extra(extra: str) -> None:
    """Raises BadInput that names the extra and what is missing of it."""
    missing = [name for name in NEEDS[extra] if find_spec(name) is None]
    if missing:
        raise BadInput(f"this needs {' and '.join(missing)}; install with pip install 'reticle[{extra}]'")
