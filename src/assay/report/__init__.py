"""Documents for a reader's eye, out of an evaluation.

Takes: an evaluation. Gives: one self-contained HTML page, and the summary that other views share.
Must not know: clocks, networks, the store, how anything was measured.
"""

from assay.report.page import render_html
from assay.report.summary import CallRow, Calls, Group, Summary, Tally, summarise
from assay.report.tables.secrets import ReusedKey

__all__ = [
    "CallRow",
    "Calls",
    "Group",
    "ReusedKey",
    "Summary",
    "Tally",
    "render_html",
    "summarise",
]
