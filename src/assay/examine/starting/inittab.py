"""inittab of System V init and of BusyBox.

Sources: inittab(5); BusyBox, examples/inittab.
"""

from collections.abc import Iterator

from assay.examine.secret_forms.masking import masked
from assay.examine.starting.lines import active, shown
from assay.model.observations import Evidence, Service

_STARTS = frozenset({"respawn", "askfirst", "once", "wait", "boot", "bootwait", "sysinit"})


def started(data: memoryview) -> Iterator[Service]:
    """Every entry that runs a program."""
    for line in active(data):
        fields = line.text.split(":", 3)
        if len(fields) < 4 or fields[2] not in _STARTS:  # noqa: PLR2004 (id:levels:action:process)
            continue
        program = fields[3].strip().lstrip("+-")
        if program:
            yield Service(
                name=program.split()[0].rsplit("/", 1)[-1],
                manager="inittab",
                program=masked(program),
                evidence=Evidence(offset=line.offset, excerpt=shown(line.text)),
            )
