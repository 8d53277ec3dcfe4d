"""Fan-out of examiners over files: limits, cache, what became of each.

Takes: files with their contents, examiners, a cache, an engine. Gives: outcomes by file path.
Must not know: what is observed. The only room that knows futures and processes.
"""

from assay.runner.engine import Engine, process_pool
from assay.runner.fanout import Cache, examine_all, missing
from assay.runner.limits import Limits

__all__ = ["Cache", "Engine", "Limits", "examine_all", "missing", "process_pool"]
