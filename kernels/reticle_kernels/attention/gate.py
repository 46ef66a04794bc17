"""Whether a plan pays: predicted time of the sparse path beside that of dense causal attention.

The prediction is a sum over what an executor does, in units of dense query-key pairs: pairs computed at the sparse
path's speed, and a fixed cost per call. On the processor the numbers are measured (``benchmarks/sparse_cpu.py``, see
docs/sparse-prefill.md); on a GPU they are the model of sparse-prefill.md, section 5.3, until measured: 350 against 600
TFLOP/s on computed area, and dense below 16k keys.
"""

from __future__ import annotations

from dataclasses import dataclass

from .plan import SparsePlan


@dataclass(frozen=True, slots=True)
class Gate:
    """Cost model of one kind of device.

    Attributes:
        pair: time of a pair in chunks without mask, in dense pairs.
        scattered: the same in chunks of which fewer than :data:`RUN` neighbours are read; ``pair`` when None.
        edge: the same in chunks with a mask.
        column: the same in gathered columns.
        fixed: time of a call beside its pairs, in dense pairs.
        shortest: keys below which dense is taken whatever the prediction.
        margin: how much faster than dense the prediction must be.
    """

    pair: float
    edge: float
    column: float
    fixed: float
    shortest: int
    margin: float = 1.1
    scattered: float | None = None

    def predicted_ratio(self, plan: SparsePlan) -> float:
        """Predicted dense time divided by predicted sparse time; above 1 the sparse path is faster."""
        whole, edge, columns = plan.areas()
        if self.scattered is not None:
            whole_cost = whole * self.pair + plan.scattered_area(RUN) * (self.scattered - self.pair)
        else:
            whole_cost = whole * self.pair
        cost = whole_cost + edge * self.edge + columns * self.column + self.fixed
        return plan.causal_area() / max(1.0, cost)

    def pays(self, plan: SparsePlan) -> bool:
        """Whether to take the sparse path."""
        return plan.keys >= self.shortest and self.predicted_ratio(plan) >= self.margin


RUN = 6
"""Neighbouring chunks that the processor's executor attends to without gathering them."""
CPU = Gate(pair=1.6, edge=6.8, column=4.0, fixed=7.6e6, shortest=2048, margin=1.3, scattered=2.4)
"""Fitted to 49 lines on the slower of two processors (docs/sparse-prefill.md), which include finding a pattern's places
where every layer must."""
CPU_CACHED = Gate(pair=0.8, edge=2.2, column=2.3, fixed=2.8e6, shortest=2048, margin=1.15, scattered=1.6)
"""New rows on a cached history: dense attention needs a mask there, and its pairs cost about 2.9 times as much as those
of a whole prompt, while sparse pairs cost what they always do. Measured (docs/history.md) on one pattern."""
CUDA = Gate(pair=600 / 350, edge=600 / 350, column=600 / 350, fixed=0.0, shortest=16_384)


def gate_for(device_type: str, cached: bool = False) -> Gate:
    """The cost model for a torch device type; ``cached``: there are more keys than new rows."""
    if device_type == "cuda":
        return CUDA
    return CPU_CACHED if cached else CPU
