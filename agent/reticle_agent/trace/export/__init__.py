"""Traces in the formats of others: exports for looking at, for training and for replay, and imports of what fits."""

from .formats import FORMATS, IMPORTS, Exported, Format, export_trace, import_trace
from .sources import ImportOptions

__all__ = ["FORMATS", "IMPORTS", "Exported", "Format", "ImportOptions", "export_trace", "import_trace"]
