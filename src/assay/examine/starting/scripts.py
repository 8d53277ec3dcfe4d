"""Start-up scripts: System V init.d, BusyBox rcS and rc.local, OpenWrt's procd.

How it works: the daemons that a script starts are read off the forms in which scripts start them;
a shell is not simulated.

Sources: start-stop-daemon(8); OpenWrt, procd init scripts; LSB 5.0, init script comments.
"""

import re
from collections.abc import Iterator
from typing import Literal

from assay.examine.starting.lines import Line, active, lines
from assay.model.observations import Evidence, Service

_VARIABLE = re.compile(r"^\s*(?:readonly\s+|export\s+)?(\w+)=[\"']?([^\"'\s;$`]+)[\"']?\s*$")
_STARTS = (
    re.compile(r"start-stop-daemon\b[^#]*?(?:--exec|-x)[ =]+(?P<program>\S+)"),
    re.compile(r"procd_set_param\s+command\s+(?P<program>.+)"),
    re.compile(r"^(?:exec\s+)?(?P<program>/(?:usr/)?(?:local/)?s?bin/\S+d(?:\s.*)?)$"),
    re.compile(
        r"\bstart\)\s*(?:exec\s+)?(?P<program>/(?:usr/)?(?:local/)?s?bin/\S+.*?)\s*(?:;;|$)"
    ),
    re.compile(
        r"^(?:exec\s+)?(?P<program>(?:telnetd|utelnetd|httpd|ftpd|tftpd|dropbear|sshd)\b.*)"
    ),
    re.compile(r"^(?:exec\s+)?(?P<program>\S+\s.*)&\s*$"),
)
_NOT_STARTED = re.compile(r"^(?:echo|printf|\[|test|if|while|for|sleep|wait|:|\.)\b")

Manager = Literal["sysv", "rc", "procd"]


def script(data: memoryview, file_name: str, *, rc: bool) -> Iterator[Service]:
    """The daemons that a start-up script starts; a script that shows none stands for itself."""
    variables = {
        match[1]: match[2] for line in lines(data) if (match := _VARIABLE.match(line.text))
    }
    procd = b"USE_PROCD" in bytes(data[:4096])
    manager: Manager = "procd" if procd else "rc" if rc else "sysv"
    found: dict[str, Service] = {}
    for line in active(data):
        if service := _started(line, variables, manager):
            found.setdefault(service.program.split()[0], service)
    if found:
        yield from found.values()
    elif not rc:
        yield Service(
            name=file_name,
            manager=manager,
            program=file_name,
            evidence=Evidence(offset=0, excerpt=f"start-up script {file_name}"[:160]),
        )


def _started(line: Line, variables: dict[str, str], manager: Manager) -> Service | None:
    if _NOT_STARTED.match(line.text):
        return None
    for form in _STARTS:
        match = form.search(line.text)
        if match is None:
            continue
        program = _expanded(match["program"], variables).strip().strip("\"'")
        if not program or program[0] in "$-;|&" or not program.split():
            return None
        name = program.split()[0].rsplit("/", 1)[-1]
        offset = line.offset + len(line.text[: match.start("program")].encode())
        return Service(
            name=name,
            manager=manager,
            program=program[:160],
            evidence=Evidence(offset=offset, excerpt=line.text[:160]),
        )
    return None


def _expanded(text: str, variables: dict[str, str]) -> str:
    return re.sub(r"\$\{?(\w+)\}?", lambda match: variables.get(match[1], match[0]), text)
