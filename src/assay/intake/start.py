"""Starts a worker: run as `python -m assay.intake.start`, never imported.

unblob's handler of ELF files, which Assay leaves out, would load lief: half of a worker's start-up
time, and 50 MB of its memory. A placeholder stands in for it, in the worker's process alone.
"""

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace


def _leave_out_lief() -> None:
    placeholder = ModuleType("lief")
    placeholder.logging = SimpleNamespace(disable=lambda: None)  # type: ignore[attr-defined]  # all that is called on import
    sys.modules["lief"] = placeholder


if __name__ == "__main__":
    _leave_out_lief()
    from assay.intake.limits import Limits
    from assay.intake.worker import main

    main(Path(sys.argv[1]), Limits.model_validate_json(sys.argv[2]))
