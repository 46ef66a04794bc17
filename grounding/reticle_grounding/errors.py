"""Errors that a person is meant to read.

Everything raised on purpose by Reticle below the application derives from :class:`ReticleError`; its text is one clear
line that names what was wrong and what to do about it. Anything else that escapes is a bug.
"""

from __future__ import annotations

WHOLE_FOLDER = "a model folder holds config.json, safetensors files, tokenizer.json and preprocessor_config.json"


class ReticleError(Exception):
    """Base of all errors whose text may be shown verbatim."""


class BadInput(ReticleError):
    """The user's input (image, instruction, path, option) cannot be used. Commands exit with code 2."""


class CheckpointError(BadInput):
    """A model folder is incomplete or its tensors do not fit; the text names the tensors."""


class Cancelled(ReticleError):
    """The caller asked to stop; nothing is wrong."""
