"""Collects transformers with the models that are used; it imports by name, so nothing is found by following imports."""

from contents import wanted_module
from PyInstaller.utils.hooks import collect_submodules

hiddenimports = collect_submodules("transformers", filter=wanted_module, on_error="ignore")
