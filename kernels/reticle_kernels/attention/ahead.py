"""Compiles the sparse kernel for GPUs that need not be there, and says what it takes of them.

    python -m reticle_kernels.attention.ahead        one JSON line per architecture, type and head width

Needs triton (its wheel brings the assembler), no driver and no device.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

SHARED_LIMIT = {80: 166_912, 90: 232_448, 100: 232_448}
"""Bytes of shared memory that one block may use, by compute capability (CUDA programming guide)."""


@dataclass(frozen=True, slots=True)
class Resources:
    """What one program (64 query rows) takes: per-thread registers, bytes of shared memory, bytes spilled."""

    capability: int
    dtype: str
    width: int
    warps: int
    stages: int
    registers: int
    shared_bytes: int
    spill_store_bytes: int
    spill_load_bytes: int


def _signature(kernel: Any, dtype: str) -> dict[str, str]:
    """Argument types of :func:`~.triton_sparse.sparse_forward`, in order."""
    kinds = dict.fromkeys(("q", "k", "v", "out"), f"*{dtype}")
    kinds |= dict.fromkeys(("row_range", "chunk_range", "column_range"), "*i64")
    lists = ("block_head", "rows", "chunk_start", "chunk_stop", "chunk_reach", "columns", "column_near")
    kinds |= dict.fromkeys(lists, "*i32")
    kinds |= {f"{t}_{part}": "i32" for t in "qkvo" for part in ("batch", "head", "row")}
    kinds |= {f"{t}_batch": "i64" for t in "qkvo"}
    kinds |= {"heads": "i32", "share": "i32", "shift": "i32", "scale": "fp32"}
    return {name: kinds.get(name, "constexpr") for name in kernel.arg_names}


def compile_for(capability: int, dtype: str, width: int) -> Resources:
    """Compiles for one architecture.

    Args:
        capability: 80 (A100), 90 (H100, H200), 100 (B200).
        dtype: "fp16", "bf16" or "fp32".
        width: head width of queries, keys and values.

    Raises ImportError without triton, RuntimeError when the assembler refuses the code.
    """
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.backends.nvidia.compiler import get_ptxas
    from triton.compiler import ASTSource

    from .triton_sparse import STAGES, constants, sparse_forward, warps

    signature = _signature(sparse_forward, dtype)
    names = list(signature)
    # What torch's allocator and head widths that are multiples of 16 give; without it no load is wider than an entry.
    aligned = [n for n, kind in signature.items() if kind.startswith("*") or n[1:] in ("_batch", "_head", "_row")]
    attributes = {(names.index(n),): [["tt.divisibility", 16]] for n in aligned}
    fixed = {(names.index(n),): value for n, value in constants(width, width, wide=False).items()}
    source = ASTSource(sparse_forward, signature, fixed, attributes)
    options = {"num_warps": warps(width, width), "num_stages": STAGES}
    compiled = triton.compile(source, target=GPUTarget("cuda", capability, 32), options=options)
    registers, stores, loads = _assemble(compiled.asm["ptx"], str(get_ptxas(capability).path), capability)
    return Resources(
        capability, dtype, width, options["num_warps"], STAGES, registers, compiled.metadata.shared, stores, loads
    )


def _assemble(ptx: str, assembler: str, capability: int) -> tuple[int, int, int]:
    """Registers, bytes of spill stores and of spill loads, as the assembler that triton uses reports them."""
    found = re.search(r"\.target\s+(sm_\w+)", ptx)
    target = found.group(1) if found else f"sm_{capability}"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "kernel.ptx"
        path.write_text(ptx)
        command = [
            assembler,
            "-v",
            "--regAllocOptLevel=2",
            f"--gpu-name={target}",
            str(path),
            "-o",
            str(Path(folder) / "kernel.cubin"),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    report = done.stdout + done.stderr
    used = re.search(r"Used (\d+) registers", report)
    spilled = re.search(r"(\d+) bytes spill stores, (\d+) bytes spill loads", report)
    if done.returncode or not used or not spilled:
        raise RuntimeError(f"the assembler gave no report for {target}: {report.strip()[:500]}")
    return int(used.group(1)), int(spilled.group(1)), int(spilled.group(2))


def main() -> None:
    for capability in SHARED_LIMIT:
        for dtype in ("fp16", "bf16", "fp32"):
            for width in (64, 80, 128):
                sys.stdout.write(json.dumps(asdict(compile_for(capability, dtype, width))) + "\n")


if __name__ == "__main__":
    main()
