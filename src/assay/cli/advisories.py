"""`assay knowledge update`: bring advisories in, and hold stored evaluations against them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from assay.workspace import Reassessed, Update

_SHOWN = 10


def register(app: typer.Typer) -> None:
    """Add the command to the app of `assay knowledge`."""
    app.command("update")(update)


def update(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="OSV (JSON, JSONL, zip), NVD 2.0, CVE List v5, KEV, EPSS, endoflife.date; or gz."
        ),
    ],
    covers: Annotated[
        list[str] | None,
        typer.Option(
            "--covers", help="A component that these files cover, as you judge; repeatable."
        ),
    ] = None,
    as_of: Annotated[
        str, typer.Option(help="The day that the data is of, where a file does not say it.")
    ] = "",
    reassess: Annotated[
        bool, typer.Option(help="Hold the stored evaluations against the new data.")
    ] = True,
    workspace: Annotated[
        Path | None,
        typer.Option("--workspace", help="Folder that remembers evaluations (default: per user)."),
    ] = None,
) -> None:
    """Bring advisories, lists and lifecycles in from files; nothing is fetched."""
    # The workspace is heavy, and `--help` must answer at once.
    from assay.workspace import Settings, default_folder, open_workspace  # noqa: PLC0415

    opened = open_workspace(Settings(folder=workspace or default_folder()))
    done = opened.update_knowledge(files, tuple(covers or ()), as_of)
    _print(done)
    if reassess and done.is_new:
        _print_reassessed(opened.reassess())


def _print(done: "Update") -> None:
    for one in done.files:
        kinds = " and ".join(one.kinds)
        known = "" if one.new else ", known already"
        typer.echo(f"{_safe(one.file)}: {kinds}, {one.records:,} records up to {one.as_of}{known}")
        if one.refused_count:
            typer.echo(f"  {one.refused_count:,} records could not be used:", err=True)
            for refused in one.refused[:_SHOWN]:
                typer.echo(f"  {_safe(refused.record)}: {_safe(refused.why)}", err=True)
    for word, listed in (
        ("added", done.added),
        ("changed", done.changed),
        ("withdrawn", done.withdrawn),
    ):
        shown = ", ".join(listed[:_SHOWN]) + (" …" if len(listed) > _SHOWN else "")
        typer.echo(f"{len(listed):,} {word}" + (f": {_safe(shown)}" if listed else ""))


def _print_reassessed(done: "tuple[Reassessed, ...]") -> None:
    if not done:
        typer.echo("No stored evaluation changes.")
    for one in done:
        stored = one.after
        name = f"{stored.vendor} {stored.product} {stored.release}"
        typer.echo(
            f"{_safe(name)}: {len(one.appeared):,} appeared, {len(one.gone):,} gone; "
            f"evaluation {stored.id} beside {one.before.id}"
        )
        for vulnerability in one.appeared[:_SHOWN]:
            releases = ", ".join(vulnerability.releases)
            said = f"{vulnerability.id} {vulnerability.state}: {vulnerability.component} {releases}"
            typer.echo(f"  {_safe(said)}")


def _safe(text: str) -> str:
    """Text of others: control characters are shown, not sent."""
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)
