"""Start-up scripts: System V init.d, BusyBox rcS and rc.local, OpenWrt's procd.

How it works: the daemons that a script starts are read off the forms in which scripts start them;
a shell is not simulated.

Sources: start-stop-daemon(8); OpenWrt, procd init scripts; LSB 5.0, init script comments.
"""

import re
from collections.abc import Iterator
from operator import itemgetter
from typing import Literal

from assay.examine.secret_forms.masking import masked
from assay.examine.starting.lines import LONGEST, Line, active, lines, shown
from assay.model.observations import Evidence, Service
from assay.model.observations.base import EXCERPT_LIMIT

_VARIABLE = re.compile(r"^\s*(?:readonly\s+|export\s+)?(\w+)=[\"']?([^\"'\s;$`]+)[\"']?\s*$")
_FUNCTION = re.compile(r"^\s*(?:function\s+)?([\w-]+)\s*\(\)")
# Of a function that another file defines only its name's form tells that it is no program.
_SHELL_FUNCTION = re.compile(r"\w+_\w+(\s|$)")
_STARTS = (
    re.compile(r"start-stop-daemon\b[^#]*?(?:--exec|-x)[ =]+(?P<program>\S+)"),
    re.compile(
        r"^(?:service_start|daemon|start_daemon|startproc)\s+(?:-p\s*\S+\s+|-\S+\s+)*"
        r"(?P<program>[\"']?[$/]\S+.*)"
    ),
    re.compile(r"procd_set_param\s+command\s+(?P<program>.+)"),
    re.compile(r"^(?:exec\s+)?(?P<program>/(?:usr/)?(?:local/)?s?bin/\S+d(?:\s[^|]*)?)$"),
    re.compile(
        r"\bstart\)\s*(?:exec\s+)?(?P<program>/(?:usr/)?(?:local/)?s?bin/\S+.*?)\s*(?:;;|$)"
    ),
    re.compile(
        r"^(?:exec\s+)?(?P<program>(?:telnetd|utelnetd|httpd|ftpd|tftpd|dropbear|sshd)\b.*)"
    ),
    re.compile(r"^(?:exec\s+)?(?P<program>[\w./$\"{}-]+(?:\s[^|]*)?)&\s*$"),
)
_NOT_STARTED = re.compile(r"^(?:echo|printf|\[|test|if|while|for|sleep|wait|:|\.)\b")

Manager = Literal["sysv", "rc", "procd"]


def script(data: memoryview, file_name: str, *, rc: bool) -> Iterator[Service]:
    """The daemons that a start-up script starts; a script that shows none stands for itself."""
    text = [line.text for line in lines(data)]
    variables = {match[1]: match[2] for line in text if (match := _VARIABLE.match(line))}
    functions = frozenset(match[1] for line in text if (match := _FUNCTION.match(line)))
    procd = b"USE_PROCD" in bytes(data[:4096])
    manager: Manager = "procd" if procd else "rc" if rc else "sysv"
    found: dict[str, tuple[int, Service]] = {}
    for line in _whole(data):
        rank, service = _started(line, variables, manager)
        if service and service.program.split()[0] not in functions:
            key = service.program.split()[0]
            found[key] = min(found.get(key, (rank, service)), (rank, service), key=itemgetter(0))
    if found:
        yield from (service for _, service in found.values())
    elif not rc:
        yield Service(
            name=file_name,
            manager=manager,
            program=file_name,
            evidence=Evidence(offset=0, excerpt=f"start-up script {file_name}"[:EXCERPT_LIMIT]),
        )


def _whole(data: memoryview) -> Iterator[Line]:
    """Lines with what continues them; the offset is that of the first."""
    offset, text = 0, ""
    for line in active(data):
        offset = offset if text else line.offset
        text = f"{text} {line.text}".strip()[:LONGEST]
        if text.endswith("\\"):
            text = text[:-1].rstrip()
            continue
        yield Line(offset, text)
        text = ""
    if text:
        yield Line(offset, text)


def _started(line: Line, variables: dict[str, str], manager: Manager) -> tuple[int, Service | None]:
    """What a line starts, and how telling the form is: 0 most."""
    if _NOT_STARTED.match(line.text):
        return 0, None
    for rank, form in enumerate(_STARTS):
        if match := form.search(line.text):
            return rank, _service(match, line, variables, manager)
    return 0, None


def _service(
    match: re.Match[str], line: Line, variables: dict[str, str], manager: Manager
) -> Service | None:
    program = re.sub(r"[\"']", "", _expanded(match["program"], variables)).strip()
    if not program or program[0] in "$-;|&(" or _SHELL_FUNCTION.match(program):
        return None
    return Service(
        name=program.split()[0].rsplit("/", 1)[-1],
        manager=manager,
        program=masked(program),
        evidence=Evidence(offset=line.offset, excerpt=shown(line.text)),
    )


def _expanded(text: str, variables: dict[str, str]) -> str:
    return re.sub(r"\$\{?(\w+)\}?", lambda match: variables.get(match[1], match[0]), text)
