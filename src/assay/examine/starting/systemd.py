"""systemd's service and socket units.

Source: systemd.service(5), systemd.socket(5). Whether a unit is enabled is said by links, which
one file does not show: every unit that an installation may start is told.
"""

from collections.abc import Iterator

from assay.examine.secret_forms.masking import masked
from assay.examine.starting.lines import Line, active, shown
from assay.model.observations import Evidence, Service

_LISTENS = frozenset({"ListenStream", "ListenDatagram", "ListenSequentialPacket", "ListenNetlink"})


def unit(data: memoryview, file_name: str) -> Iterator[Service]:
    """The program of a service unit, or what a socket unit listens on."""
    values = _values(data)
    programs = values.get("ExecStart", [])
    sockets = tuple(line.text for key in sorted(_LISTENS) for line in values.get(key, []))
    first = programs[0] if programs else None
    if first is None and not sockets:
        return
    user = values.get("User", [])
    offset = first.offset if first else next(iter(values[_first_listen(values)])).offset
    program = first.text.lstrip("-+!@:|") if first else ""
    yield Service(
        name=file_name.rsplit(".", 1)[0],
        manager="systemd",
        program=masked(program),
        user=user[0].text if user else "",
        sockets=sockets,
        evidence=Evidence(offset=offset, excerpt=shown(program or ", ".join(sockets))),
    )


def _first_listen(values: dict[str, list[Line]]) -> str:
    return next(key for key in values if key in _LISTENS)


def _values(data: memoryview) -> dict[str, list[Line]]:
    values: dict[str, list[Line]] = {}
    for line in active(data, "#;"):
        key, equals, value = line.text.partition("=")
        if equals and value.strip():
            values.setdefault(key.strip(), []).append(Line(line.offset, value.strip()))
    return values
