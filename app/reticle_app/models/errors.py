"""What can go wrong with kept models; the texts are shown as they are."""

from __future__ import annotations

from reticle_grounding.errors import BadInput, ReticleError


class StoreError(ReticleError):
    """A kept model, or a copy of one, is not what it should be: damaged, or not as announced."""


class HubError(BadInput):
    """The hub cannot be reached, or does not give what was asked for."""


class NoSpace(BadInput):
    """The disk cannot take the files."""
