"""Tables of what would run: services, settings, kernels, and files with special rights."""

from collections.abc import Iterator

from assay.model.evaluation import Evaluation, Seen
from assay.model.observations import KernelImage, KernelModule, Service
from assay.model.tree import File, Kind
from assay.report.tables.contract import Cell, Column, Detail, Section, Show, Table, nothing
from assay.report.text import answer

_FILE = Column("File", Show.CODE)
_OFFSET = Column("Offset", Show.OFFSET)


def section(evaluation: Evaluation) -> Section:
    """The running system that the image would become."""
    lead = (
        "What starts by itself, settings that weaken the system, kernels, and files whose rights "
        "reach beyond their user. It is read from the image; nothing of it was run."
    )
    return Section(
        "system-section",
        "Services, settings and rights",
        lead,
        (
            _weaknesses(evaluation),
            _services(evaluation),
            _rights(evaluation),
            _kernels(evaluation),
            _modules(evaluation),
        ),
    )


def _weaknesses(evaluation: Evaluation) -> Table:
    return Table(
        id="weaknesses",
        title="Weak settings",
        columns=(
            Column("Setting", facet=True),
            Column("Service", facet=True),
            Column("Value", Show.CODE),
            _FILE,
            _OFFSET,
            Column("Excerpt", Show.CODE),
        ),
        rows=tuple(
            (
                seen.fact.setting,
                seen.fact.service,
                seen.fact.value,
                seen.path,
                seen.fact.evidence.offset,
                seen.fact.evidence.excerpt,
            )
            for seen in evaluation.weaknesses
        ),
        empty=nothing(evaluation, "services.weaknesses", "No weak setting was found."),
    )


def _services(evaluation: Evaluation) -> Table:
    def row(seen: Seen[Service]) -> tuple[Cell, ...]:
        fact = seen.fact
        return (
            fact.name,
            fact.manager,
            fact.program,
            fact.user or "root or not said",
            ", ".join(fact.sockets),
            seen.path,
            fact.evidence.offset,
        )

    return Table(
        id="services",
        title="What starts by itself",
        columns=(
            Column("Name"),
            Column("Started by", facet=True),
            Column("Program", Show.CODE),
            Column("As user", facet=True),
            Column("Sockets it names"),
            _FILE,
            _OFFSET,
        ),
        rows=tuple(row(seen) for seen in evaluation.services),
        empty=nothing(evaluation, "services.count", "Nothing was found that starts by itself."),
    )


def _rights(evaluation: Evaluation) -> Table:
    said = "No file runs with other rights than its user's or may be changed by every user."
    rows = [
        (
            what,
            file.path,
            "not recorded" if file.mode is None else f"{file.mode:04o}",
            "not recorded" if file.uid is None else str(file.uid),
            "not recorded" if file.gid is None else str(file.gid),
        )
        for file in evaluation.tree.files
        for what in _special(file)
    ]
    return Table(
        id="rights",
        title="Files with special rights",
        columns=(
            Column("What", facet=True),
            _FILE,
            Column("Mode", Show.CODE),
            Column("Owner"),
            Column("Group"),
        ),
        rows=tuple(rows),
        empty=nothing(evaluation, "files.setuid", said),
    )


_SETUID, _SETGID = "runs as its owner (set-uid)", "runs as its group (set-gid)"
_WRITABLE = "every user may change it"
_FOLDER = "every user may write to it and remove what others wrote"


def _special(file: File) -> Iterator[str]:
    mode = file.mode or 0
    if file.has_content and mode & 0o4000:
        yield _SETUID
    if file.has_content and mode & 0o2000:
        yield _SETGID
    if file.has_content and mode & 0o002:
        yield _WRITABLE
    if file.capabilities:
        yield f"grants {', '.join(file.capabilities)}"
    if file.kind is Kind.DIRECTORY and mode & 0o002 and not mode & 0o1000:
        yield _FOLDER


def _kernels(evaluation: Evaluation) -> Table:
    def detail(seen: Seen[KernelImage]) -> Detail:
        return Detail(rows=tuple((f"CONFIG_{name}", value) for name, value in seen.fact.options))

    return Table(
        id="kernels",
        title="Kernels",
        columns=(
            Column("Version"),
            _FILE,
            _OFFSET,
            Column("Configuration found", Show.ANSWER),
            Column("Banner", Show.CODE),
        ),
        rows=tuple(
            (
                seen.fact.version or "not told",
                seen.path,
                seen.fact.evidence.offset,
                answer(seen.fact.configured),
                seen.fact.banner,
            )
            for seen in evaluation.kernels
        ),
        details=tuple(detail(seen) for seen in evaluation.kernels),
        detail_columns=(Column("Option", Show.CODE), Column("Value", Show.CODE)),
        empty=nothing(evaluation, "kernel.versions", "No Linux kernel was found."),
    )


def _modules(evaluation: Evaluation) -> Table:
    def row(seen: Seen[KernelModule]) -> tuple[Cell, ...]:
        fact = seen.fact
        return (
            fact.name,
            answer(fact.signed),
            fact.signer,
            fact.vermagic,
            fact.license,
            seen.path,
        )

    return Table(
        id="modules",
        title="Kernel modules",
        columns=(
            Column("Module"),
            Column("Signed", Show.ANSWER, facet=True),
            Column("Signer"),
            Column("Built for", Show.CODE, facet=True),
            Column("Licence", facet=True),
            _FILE,
        ),
        rows=tuple(row(seen) for seen in evaluation.modules),
        empty=nothing(evaluation, "kernel.modules.count", "No kernel module was found."),
    )
