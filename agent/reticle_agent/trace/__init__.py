"""The record of a run: ``trace/1``, a folder that is written append-only and survives a crash."""

from .checks import Problem, verify
from .facts import CaptureFacts, LimitFacts, ModelFacts, PolicyFacts
from .fields import (
    act_fields,
    act_kind,
    act_point,
    candidate_id,
    choose_fields,
    effect_fields,
    ground_fields,
    observe_fields,
    point_spaces,
    secrets_of,
    verify_fields,
)
from .reader import Event, StepEvents, TraceReader
from .redact import Secret
from .report import write_report
from .show import show, summary
from .writer import TraceWriter, new_trace_id

__all__ = [
    "CaptureFacts",
    "Event",
    "LimitFacts",
    "ModelFacts",
    "PolicyFacts",
    "Problem",
    "Secret",
    "StepEvents",
    "TraceReader",
    "TraceWriter",
    "act_fields",
    "act_kind",
    "act_point",
    "candidate_id",
    "choose_fields",
    "effect_fields",
    "ground_fields",
    "new_trace_id",
    "observe_fields",
    "point_spaces",
    "secrets_of",
    "show",
    "summary",
    "verify",
    "verify_fields",
    "write_report",
]
