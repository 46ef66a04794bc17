"""The record of a run: ``trace/1``, a folder that is written append-only and survives a crash."""

from .facts import CaptureFacts, LimitFacts, ModelFacts, PolicyFacts
from .fields import (
    act_fields,
    act_kind,
    act_point,
    candidate_id,
    choose_fields,
    ground_fields,
    observe_fields,
    point_spaces,
    verify_fields,
)
from .redact import Secret
from .writer import TraceWriter, new_trace_id

__all__ = [
    "CaptureFacts",
    "LimitFacts",
    "ModelFacts",
    "PolicyFacts",
    "Secret",
    "TraceWriter",
    "act_fields",
    "act_kind",
    "act_point",
    "candidate_id",
    "choose_fields",
    "ground_fields",
    "new_trace_id",
    "observe_fields",
    "point_spaces",
    "verify_fields",
]
