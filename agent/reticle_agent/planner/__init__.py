"""The embedded rule planner; its grammar is in docs/planner-grammar.md."""

from .render import render
from .rules import ParsedStep, RulePlanner, parse, parse_spans

__all__ = ["ParsedStep", "RulePlanner", "parse", "parse_spans", "render"]
