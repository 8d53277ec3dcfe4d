"""The command `assay`.

Exit codes: 0 done; 1 could not be done (the message says why); 2 wrong usage; 3 a defect of
Assay's own; 130 interrupted.
Heavy imports stand in the commands that need them: `--help` and `list` must answer at once.
"""

import gc
import os
import sys
import traceback
from pathlib import Path
from typing import Annotated

import typer

from assay import __version__
from assay.cli import advisories
from assay.cli.knowledge import knowledge
from assay.model.errors import AssayError, InputError

_DEFECT = 3
_INTERRUPTED = 130

_OBJECTS_BETWEEN_LOOKS = 500_000

app = typer.Typer(
    name="assay",
    help="Evidence on how well a vendor's release was engineered.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

app.add_typer(knowledge)
advisories.register(knowledge)

WorkspaceOption = Annotated[
    Path | None,
    typer.Option("--workspace", help="Folder that remembers evaluations (default: per user)."),
]
Reference = Annotated[
    str,
    typer.Argument(help="RELEASE, PRODUCT/RELEASE, VENDOR/PRODUCT/RELEASE, or an id."),
]


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"assay {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Evidence on how well a vendor's release was engineered."""


@app.command()
def evaluate(
    image: Annotated[
        Path,
        typer.Argument(
            help="Firmware or disk image, archive, package, executable, or an unpacked directory."
        ),
    ],
    vendor: Annotated[str, typer.Option(help="Who made it.")],
    product: Annotated[str, typer.Option(help="What it is.")],
    release: Annotated[str, typer.Option(help="Which version of it.")],
    out: Annotated[Path, typer.Option(help="Folder for the report and its data.")] = Path("report"),
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Workers (default: all processors).")
    ] = None,
    functions: Annotated[
        Path | None,
        typer.Option(help="Your own list of safe and unsafe functions, beside the shipped one."),
    ] = None,
    vex: Annotated[
        list[Path] | None,
        typer.Option(help="What the vendor says: OpenVEX, CSAF VEX, CycloneDX VEX; repeatable."),
    ] = None,
    supported_until: Annotated[
        str, typer.Option(help="The day to which the vendor promises support (2030-12-31).")
    ] = "",
    built: Annotated[
        Path | None,
        typer.Option(help="Source files that the kernel's build contains (list of paths)."),
    ] = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Take a release apart, measure how well it was engineered, write the report."""
    from assay.cli.progress import shown_progress
    from assay.cli.summary import print_summary
    from assay.workspace import (
        Request,
        Settings,
        default_folder,
        open_workspace,
        read_vendor_says,
    )

    says = read_vendor_says(vex or (), supported_until, [("linux", built)] if built else ())
    settings = Settings(folder=workspace or default_folder(), workers=jobs, functions=functions)
    with shown_progress() as progress:
        done = open_workspace(settings).evaluate(
            Request(image, vendor, product, release), out, progress, says
        )
    print_summary(done)


@app.command("list")
def list_evaluations(workspace: WorkspaceOption = None) -> None:
    """All evaluations in the workspace, the newest first."""
    from assay.cli.tables import print_evaluations
    from assay.workspace import Settings, default_folder, open_workspace

    settings = Settings(folder=workspace or default_folder())
    print_evaluations(open_workspace(settings).evaluations())


@app.command()
def show(reference: Reference, workspace: WorkspaceOption = None) -> None:
    """An evaluation's summary."""
    from assay.cli.summary import print_stored
    from assay.workspace import Settings, default_folder, open_workspace

    opened = open_workspace(Settings(folder=workspace or default_folder()))
    stored = opened.find(reference)
    print_stored(stored, opened.load(stored))


@app.command("open")
def open_report(
    reference: Reference,
    out: Annotated[
        Path | None, typer.Option(help="Write the four documents here again, first.")
    ] = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Open an evaluation's report in the browser; prints where it is."""
    from assay.workspace import Settings, default_folder, open_workspace

    opened = open_workspace(Settings(folder=workspace or default_folder()))
    page = opened.report(opened.find(reference), out)
    typer.echo(page)
    if sys.stdout.isatty():
        typer.launch(page.as_uri())


@app.command()
def doctor() -> None:
    """Which extractors and protections this machine has, and how to get what is missing."""
    from assay.cli.tables import print_doctor
    from assay.workspace import extractors, protections

    found = extractors()
    print_doctor(found, protections())
    raise typer.Exit(0 if all(one.present for one in found) else 1)


@app.command()
def measures() -> None:
    """Every measure with its unit and meaning."""
    from assay.cli.tables import print_measures
    from assay.workspace import measure_list

    print_measures(measure_list())


@app.command()
def rules(
    rule: Annotated[str | None, typer.Argument(help="Show one rule whole.")] = None,
) -> None:
    """Every rule that makes findings; one of them in full."""
    from assay.cli.tables import print_rule, print_rules
    from assay.workspace import rule_list

    listed = rule_list()
    if rule is None:
        print_rules(listed)
        return
    chosen = [one for one in listed if one.id == rule]
    if not chosen:
        raise InputError(rule, "no such rule", hint="`assay rules` lists them all")
    print_rule(chosen[0])


@app.command()
def schema(
    document: Annotated[str, typer.Argument(help="Which document: evaluation.")] = "evaluation",
) -> None:
    """The JSON Schema of a document that Assay writes."""
    import json

    from assay.workspace import schemas

    known = schemas()
    if document not in known:
        raise InputError(document, f"no such document; there is: {', '.join(known)}")
    typer.echo(json.dumps(known[document], indent=2, ensure_ascii=False))


def main() -> None:
    """Run the command; whatever goes wrong is said in words, without a traceback."""
    # Evaluations are large trees without cycles: looking for some costs a quarter of a recall.
    gc.set_threshold(_OBJECTS_BETWEEN_LOOKS)
    try:
        code = _run()
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read the output has seen enough; nothing is left to be flushed at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    sys.exit(code)


def _run() -> int:
    try:
        app()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0
        if code == _INTERRUPTED:
            typer.echo("assay: interrupted; what was measured is kept for the next run", err=True)
        return code
    except AssayError as error:
        typer.echo(f"assay: {error.diagnostics()}", err=True)
        return 1
    except BrokenPipeError:
        raise
    except OSError as error:
        typer.echo(f"assay: {error.filename or 'system'}: {error.strerror or error}", err=True)
        return 1
    except Exception as error:  # noqa: BLE001 (the last line of defence)
        typer.echo(f"assay: {_defect(error)}", err=True)
        return _DEFECT
    return 0


def _defect(error: Exception) -> str:
    """What was raised and where; not its text, which may quote an image's content."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{Path(last.filename).name}:{last.lineno}, {last.name}"
    return f"a defect of Assay's own: {type(error).__name__} in {where}\nPlease report it."
