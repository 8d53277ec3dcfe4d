"""What starts by itself: inittab, init scripts, systemd units, inetd and xinetd, procd, cron.

How it works: the file's place says whose it is; each manager's own form is read line by line.
Whether a service is enabled on the device is, with most managers, said by links elsewhere in the
tree; every service that is installed to be started is told.

Known false positives: a script that starts a daemon only under a condition; a unit that nothing
enables.

Known false negatives: programs started by other programs or through variables that another file
sets; managers that are not listed here.

Sources: see the modules of `assay.examine.starting`; crontab(5).
"""

import re
from collections.abc import Iterable, Iterator

from assay.examine.contract import Content, Examiner
from assay.examine.starting import inetd, inittab, scripts, systemd
from assay.examine.starting.lines import active
from assay.model.observations import Evidence, Observation, Service
from assay.model.tree import File, Kind

_INITTAB = re.compile(r"(^|/)etc/inittab$")
_INETD = re.compile(r"(^|/)etc/inetd\.conf(\.d/[^/]+)?$")
_XINETD = re.compile(r"(^|/)etc/xinetd\.(conf|d/[^/]+)$")
_UNIT = re.compile(r"(^|/)systemd/system/[^/]+\.(service|socket)$")
_INIT = re.compile(r"(^|/)etc/(rc\.d/)?init\.d/(?!README|functions|skeleton)[^/.]+$")
_RC = re.compile(r"(^|/)etc/(init\.d/rcS|rcS|rc\.local|rc|rc\.common|init\.d/rc\.local)$")
_CRON = re.compile(r"(^|/)(etc/crontab|etc/cron\.d/[^/.]+|(var/spool/cron|etc)/crontabs/[^/]+)$")
_ALL = (_INITTAB, _INETD, _XINETD, _UNIT, _INIT, _RC, _CRON)
_CRON_LINE = re.compile(r"^(?:@\w+|(?:[\d*/,\-A-Za-z]+\s+){5})\s*(?P<rest>\S.*)$")


def _wants(file: File) -> bool:
    readable = file.kind in (Kind.TEXT, Kind.SCRIPT)
    return readable and any(place.search(file.path) for place in _ALL)


def _examine(content: Content, file: File) -> Iterable[Observation]:
    data, path = content.data, file.path
    if _INITTAB.search(path):
        return inittab.started(data)
    if _INETD.search(path):
        return inetd.inetd(data)
    if _XINETD.search(path):
        return inetd.xinetd(data)
    if _UNIT.search(path):
        return systemd.unit(data, file.name)
    if _CRON.search(path):
        return _cron(data, file)
    return scripts.script(data, file.name, rc=bool(_RC.search(path)))


def _cron(data: memoryview, file: File) -> Iterator[Service]:
    """System tables name a user before the command; users' own do not."""
    names_user = "crontabs/" not in file.path
    for line in active(data):
        match = _CRON_LINE.match(line.text)
        if match is None:
            continue
        user, _, command = match["rest"].partition(" ") if names_user else ("", "", match["rest"])
        if command.strip():
            yield Service(
                name=command.split()[0].rsplit("/", 1)[-1],
                manager="cron",
                program=command.strip()[:160],
                user=user,
                evidence=Evidence(offset=line.offset, excerpt=line.text[:160]),
            )


EXAMINER = Examiner(name="services", version="1", wants=_wants, examine=_examine, sees="path")
