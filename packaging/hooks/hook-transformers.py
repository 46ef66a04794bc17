"""Collects transformers with the models that are used; it imports by name, so nothing is found by following imports."""

from common import submodules

hiddenimports = submodules("transformers")
