"""An evaluation on one screen of 80 by 24."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from assay.cli.known import print_known
from assay.cli.tables import SEVERITY_STYLE, plain_table, safe
from assay.workspace import DOCUMENTS, Done, StoredEvaluation, summarise

if TYPE_CHECKING:
    from assay.model.evaluation import Evaluation
    from assay.model.measure import Value
    from assay.workspace import Summary

_HARDENING = (
    ("PIE", "hardening.pie.share"),
    ("NX", "hardening.nx.share"),
    ("full RELRO", "hardening.relro_full.share"),
    ("canary", "hardening.canary.share"),
    ("FORTIFY", "hardening.fortify.share"),
)
_COUNTS = {
    "Secrets": (
        ("private keys", "secrets.private_keys"),
        ("credentials", "secrets.credentials"),
    ),
    "Accounts": (
        ("without password", "accounts.empty_password"),
        ("with a default one", "accounts.default_password"),
    ),
    "System": (
        ("started programs", "services.count"),
        ("weak settings", "services.weaknesses"),
        ("set-uid files", "files.setuid"),
    ),
}
_UNKNOWN = "not measured"
_GAPS_SHOWN = 3
_TITLE_WIDTH = 11


def print_summary(done: Done) -> None:
    """The summary of an evaluation that was just made, and where its documents are."""
    console = Console()
    _print(console, done.evaluation)
    console.print()
    console.print(
        _title("Report") + safe(str(done.folder / DOCUMENTS[0])),
        soft_wrap=True,
    )
    others = ", ".join(DOCUMENTS[1:])
    console.print(f"{'':{_TITLE_WIDTH}}beside it {others}")
    console.print(f"{'':{_TITLE_WIDTH}}again later: assay show {done.id}")


def print_stored(stored: StoredEvaluation, evaluation: Evaluation) -> None:
    """The summary of an evaluation in the workspace."""
    console = Console()
    _print(console, evaluation)
    console.print()
    when = stored.evaluated_at[:16].replace("T", " ")
    console.print(f"Evaluated {when} UTC by Assay {stored.tool_version}, id {stored.id}")
    if stored.report:
        console.print(
            _title("Report") + safe(f"{stored.report}/{DOCUMENTS[0]}"),
            soft_wrap=True,
        )


def _print(console: Console, evaluation: Evaluation) -> None:
    summary = summarise(evaluation)
    _subject(console, evaluation)
    _findings(console, summary)
    _calls(console, summary)
    _measured(console, evaluation)
    print_known(console, evaluation)
    _gaps(console, evaluation)


def _subject(console: Console, evaluation: Evaluation) -> None:
    subject, measures = evaluation.subject, evaluation.measures
    name = safe(f"{subject.vendor} {subject.product} {subject.release}")
    name.stylize("bold")
    console.print(name + Text("  (this release alone; nothing is said of others)", "dim"))
    console.print(safe(f"{subject.name}  {subject.size:,} bytes  SHA-256 {subject.sha256[:16]}…"))
    arches = measures.get("executables.architectures")
    named = f" ({', '.join(arches)})" if isinstance(arches, tuple) and arches else ""
    contents = [
        f"{_share(measures.get('intake.understood.share'))} understood",
        f"{_count(measures.get('files.count'))} files",
        f"{_count(measures.get('executables.count'))} executables{named}",
        f"{_count(measures.get('components.count'))} components",
    ]
    _line(console, "Contents", contents)


def _findings(console: Console, summary: Summary) -> None:
    console.print()
    line = _title("Findings")
    for severity, count in summary.severities:
        line.append(
            f"{count:,} {severity.value}", SEVERITY_STYLE[severity.value] if count else "dim"
        )
        line.append("   ")
    console.print(line)
    table = plain_table("", "", "")
    table.show_header = False
    for group in summary.matters:
        style = SEVERITY_STYLE[group.severity.value]
        where = f"{group.places:,} places" if group.places > 1 else group.findings[0].path
        table.add_row(Text(group.severity.value, style), safe(group.rule.title), safe(where))
    console.print(table)


def _calls(console: Console, summary: Summary) -> None:
    console.print()
    if not summary.calls.counted:
        console.print(_title("Calls") + Text("of memory functions: not measured"))
        return
    table = plain_table("Direct calls", "Safe", "Bounded", "Unsafe", "Unsafe share")
    for column in table.columns[1:]:
        column.justify = "right"
    for row in summary.calls.families:
        table.add_row(
            row.label,
            *(f"{tally.sites:,} ({tally.functions})" for tally in (row.safe, row.bounded)),
            f"{row.unsafe.sites:,} ({row.unsafe.functions})",
            _share(row.unsafe_share),
        )
    console.print(table)
    console.print("call sites (different functions)", style="dim")


def _measured(console: Console, evaluation: Evaluation) -> None:
    measures = evaluation.measures
    console.print()
    hardening = [f"{label} {_share(measures.get(name))}" for label, name in _HARDENING]
    _line(console, "Hardening", hardening)
    for title, named in _COUNTS.items():
        counts = [f"{_count(measures.get(name))} {label}" for label, name in named]
        _line(console, title, counts)


def _title(text: str) -> Text:
    return Text(text.ljust(_TITLE_WIDTH), "bold")


def _line(console: Console, title: str, items: list[str]) -> None:
    """A title and items beside it, wrapped between items alone."""
    table = plain_table("", "")
    table.show_header = False
    table.columns[0].min_width = _TITLE_WIDTH - 2
    rows = [""]
    for item in items:
        longer = f"{rows[-1]}   {item}" if rows[-1] else item
        if len(longer) > console.width - _TITLE_WIDTH - 2 and rows[-1]:
            rows.append(item)
        else:
            rows[-1] = longer
    table.add_row(Text(title, "bold"), Text("\n".join(rows)))
    console.print(table)


def _gaps(console: Console, evaluation: Evaluation) -> None:
    console.print()
    if not evaluation.not_measured:
        console.print("Everything that was looked for could be measured.")
        return
    console.print(
        Text(f"Not measured ({len(evaluation.not_measured):,}; all in the report)", "bold")
    )
    most = sorted(evaluation.not_measured, key=lambda gap: (-gap.files, gap.what))
    for gap in most[:_GAPS_SHOWN]:
        files = f" ({gap.files:,} files)" if gap.files > 1 else ""
        line = safe(f"  {gap.what}{files}: {gap.why}")
        line.truncate(console.width, overflow="ellipsis")
        console.print(line)


def _share(value: Value) -> str:
    return f"{value:.1%}" if isinstance(value, int | float) else _UNKNOWN


def _count(value: Value) -> str:
    return f"{value:,}" if isinstance(value, int | float) else f"{_UNKNOWN}:"
