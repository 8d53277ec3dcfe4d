"""inetd.conf and the files of xinetd.

Sources: inetd(8), xinetd.conf(5).
"""

import re
from collections.abc import Iterator

from assay.examine.secret_forms.masking import masked
from assay.examine.starting.lines import active, shown
from assay.model.observations import Evidence, Service

_TYPES = frozenset({"stream", "dgram", "raw", "rdm", "seqpacket"})
_SETTING = re.compile(r"^(\w+)\s*\+?=\s*(.+)$")


def inetd(data: memoryview) -> Iterator[Service]:
    """One service a line: service, type, protocol, wait, user, program, arguments."""
    for line in active(data):
        words = line.text.split()
        if len(words) < 6 or words[1] not in _TYPES:  # noqa: PLR2004
            continue
        yield Service(
            name=words[0],
            manager="inetd",
            program=masked(" ".join(words[5:])),
            user=re.split(r"[.:]", words[4])[0],
            sockets=(f"{words[2]}/{words[0]}",),
            evidence=Evidence(offset=line.offset, excerpt=shown(line.text)),
        )


def xinetd(data: memoryview) -> Iterator[Service]:
    """One `service NAME { … }` a block; a block with `disable = yes` starts nothing."""
    name, offset, settings = "", 0, dict[str, str]()
    for line in active(data):
        if line.text.startswith("service "):
            name, offset, settings = line.text.split()[1], line.offset, {}
        elif match := _SETTING.match(line.text):
            settings[match[1]] = match[2].strip()
        elif line.text.startswith("}") and name:
            if settings.get("disable", "no") != "yes":
                yield _block(name, offset, settings)
            name = ""


def _block(name: str, offset: int, settings: dict[str, str]) -> Service:
    program = f"{settings.get('server', '')} {settings.get('server_args', '')}".strip()
    port = settings.get("port", name)
    return Service(
        name=name,
        manager="xinetd",
        program=masked(program),
        user=settings.get("user", ""),
        sockets=(f"{settings.get('protocol', 'tcp')}/{port}",),
        evidence=Evidence(offset=offset, excerpt=shown(f"service {name}: {program}")),
    )
