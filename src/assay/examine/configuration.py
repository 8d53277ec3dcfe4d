"""Settings that weaken the system, in the configuration files of network services.

How it works: the path says whose configuration a file is; its lines that are no comments are held
against that service's checks (`assay.examine.settings.checks`), each a regular expression.

Known false positives: a setting that a later line or another file takes back; a setting inside a
block that applies to nobody. Known false negatives: settings whose *absence* is weak (a default of
the program); services that are not listed; configuration in a vendor's own format.

Sources: the manual pages named beside the checks.
"""

from collections.abc import Iterator

from assay.examine.contract import Content, Examiner
from assay.examine.secret_forms.scan import MASK
from assay.examine.settings.checks import SERVICES, Check, Service
from assay.examine.starting.lines import Line, active, shown
from assay.model.observations import Evidence, Observation, Weakness
from assay.model.tree import File, Kind

_MOST = 200


def _wants(file: File) -> bool:
    readable = file.kind in (Kind.TEXT, Kind.SCRIPT)
    return readable and any(service.places.search(file.path) for service in SERVICES)


def _examine(content: Content, file: File) -> Iterator[Observation]:
    found = 0
    for service in SERVICES:
        if service.places.search(file.path):
            for weakness in _weaknesses(content, service):
                yield weakness
                found += 1
                if found >= _MOST:
                    return


def _weaknesses(content: Content, service: Service) -> Iterator[Weakness]:
    for line in active(content.data, service.comments):
        for check in service.checks:
            if weakness := _held_against(line, check, service):
                yield weakness


def _held_against(line: Line, check: Check, service: Service) -> Weakness | None:
    match = check.pattern.search(line.text)
    if match is None:
        return None
    group = next(name for name, value in match.groupdict().items() if value is not None)
    excerpt = f"{match[group]} {MASK}" if check.secret else shown(line.text)
    offset = line.offset + len(line.text[: match.start(group)].encode())
    return Weakness(
        setting=check.setting,
        service=service.name,
        value=match[group],
        evidence=Evidence(offset=offset, excerpt=excerpt),
    )


EXAMINER = Examiner(name="configuration", version="2", wants=_wants, examine=_examine, sees="path")
