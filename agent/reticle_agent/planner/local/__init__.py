"""A planner that runs a vision-language model of the user's on this machine; docs/local-planner.md describes it."""

from .planner import LocalOptions, LocalPlanner, PlanningError
from .seam import Writer

__all__ = ["LocalOptions", "LocalPlanner", "PlanningError", "Writer"]
