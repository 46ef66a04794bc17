"""Collects torch for the CPU: its modules without their sources, its libraries without its test libraries."""

from common import submodules
from contents import wanted_file
from PyInstaller.utils.hooks import PY_DYLIB_PATTERNS, collect_dynamic_libs

# What importing torch loads is found by following its imports; these are looked up by name.
hiddenimports = [
    name
    for package in ("torch._dynamo", "torch._inductor", "torch._functorch", "torch._refs", "torch._prims", "torch.ao.nn")
    for name in submodules(package)
]
binaries = [
    (source, folder)
    for source, folder in collect_dynamic_libs("torch", search_patterns=[*PY_DYLIB_PATTERNS, "*.so.*"])
    if wanted_file(f"{folder}/{source.replace(chr(92), '/').rsplit('/', 1)[-1]}")
]
# torch looks for its own libraries beside themselves; links to them elsewhere mislead it.
bindepend_symlink_suppression = ["**/torch/lib/*.so*"]
