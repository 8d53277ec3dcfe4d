"""What starts by itself: inittab, init scripts, systemd units, inetd and xinetd, procd, cron.

How it works: the file's place says whose it is; each manager's own form is read line by line.
Whether a service is enabled on the device is, with most managers, said by links elsewhere in the
tree; every service that is installed to be started is told.

Known false positives: a script that starts a daemon only under a condition; a unit that nothing
enables.

Known false negatives: programs started by other programs or through variables that another file
sets; systemd's drop-ins, timers and users' units; managers that are not listed here.

Sources: see the modules of `assay.examine.starting`; crontab(5).
"""

import re
from collections.abc import Callable, Iterable, Iterator

from assay.examine.contract import Content, Examiner
from assay.examine.secret_forms.masking import masked
from assay.examine.starting import inetd, inittab, scripts, systemd
from assay.examine.starting.lines import active, shown
from assay.model.observations import Evidence, Observation, Service
from assay.model.tree import File, Kind

_INITTAB = re.compile(r"(^|/)etc/inittab$")
_INETD = re.compile(r"(^|/)etc/inetd\.conf(\.d/[^/]+)?$")
_XINETD = re.compile(r"(^|/)etc/xinetd\.(conf|d/[^/]+)$")
_UNIT = re.compile(r"(^|/)systemd/system/[^/]+\.(service|socket)$")
_INIT = re.compile(r"(^|/)etc/(rc\.d/)?init\.d/(?!README|functions|skeleton)[^/.]+$")
_RC = re.compile(r"(^|/)etc/(init\.d/rcS|rcS|rc\.local|rc|rc\.common|init\.d/rc\.local)$")
_CRON = re.compile(r"(^|/)(etc/crontab|etc/cron\.d/[^/.]+|(var/spool/cron|etc)/crontabs/[^/]+)$")
_PERIODIC = re.compile(r"(^|/)etc/(cron\.|periodic/)(hourly|daily|weekly|monthly)/[^/.]+$")
_CRON_LINE = re.compile(r"^(?:@\w+|(?:[\d*/,\-A-Za-z]+\s+){5})\s*(?P<rest>\S.*)$")
# What stands before the command itself: changes of folder, and tests whether it is to run.
_GUARDS = re.compile(
    r"^(?:(?:cd\s+\S+|test\s[^&|;]+|\[\s[^]]*\]|command\s+-v[^&|;]+)\s*(?:&&|\|\||;)[\s{]*)+"
)


def _wants(file: File) -> bool:
    readable = file.kind in (Kind.TEXT, Kind.SCRIPT)
    return readable and any(place.search(file.path) for place, _ in _READERS)


def _examine(content: Content, file: File) -> Iterable[Observation]:
    reader = next(read for place, read in _READERS if place.search(file.path))
    return reader(content.data, file)


def _cron(data: memoryview, file: File) -> Iterator[Service]:
    """System tables name a user before the command; users' own do not."""
    names_user = "crontabs/" not in file.path
    for line in active(data):
        match = _CRON_LINE.match(line.text)
        if match is None:
            continue
        words = match["rest"].split(None, 1)
        user, command = (words[0], "".join(words[1:])) if names_user else ("", match["rest"])
        if main := _GUARDS.sub("", command).strip(" ;{}"):
            yield Service(
                name=main.split()[0].rsplit("/", 1)[-1],
                manager="cron",
                program=masked(main),
                user=user,
                evidence=Evidence(offset=line.offset, excerpt=shown(line.text)),
            )


def _periodic(_: memoryview, file: File) -> Iterator[Service]:
    """A file that run-parts(8) runs every hour, day, week or month."""
    yield Service(
        name=file.name,
        manager="cron",
        program=f"/{file.path}",
        user="root",
        evidence=Evidence(offset=0, excerpt=f"run from {file.path.rsplit('/', 2)[-2]}"[:160]),
    )


_READERS: tuple[tuple[re.Pattern[str], Callable[[memoryview, File], Iterable[Service]]], ...] = (
    (_INITTAB, lambda data, _: inittab.started(data)),
    (_INETD, lambda data, _: inetd.inetd(data)),
    (_XINETD, lambda data, _: inetd.xinetd(data)),
    (_UNIT, lambda data, file: systemd.unit(data, file.name)),
    (_CRON, _cron),
    (_PERIODIC, _periodic),
    (_RC, lambda data, file: scripts.script(data, file.name, rc=True)),
    (_INIT, lambda data, file: scripts.script(data, file.name, rc=False)),
)

EXAMINER = Examiner(name="services", version="2", wants=_wants, examine=_examine, sees="path")
