"""The command `assay`.

Exit codes: 0 done; 1 could not be done (the message says why); 2 wrong usage.
Heavy imports stand in the commands that need them: `--help` and `list` must answer at once.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from assay import __version__
from assay.cli.knowledge import knowledge
from assay.model.errors import AssayError, InputError

app = typer.Typer(
    name="assay",
    help="Evidence on how well a vendor's release was engineered.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

app.add_typer(knowledge)

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
    workspace: WorkspaceOption = None,
) -> None:
    """Take a release apart, measure how well it was engineered, write the report."""
    from assay.cli.progress import shown_progress
    from assay.cli.summary import print_summary
    from assay.workspace import Request, Settings, default_folder, open_workspace

    settings = Settings(folder=workspace or default_folder(), workers=jobs, functions=functions)
    with shown_progress() as progress:
        done = open_workspace(settings).evaluate(
            Request(image, vendor, product, release), out, progress
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
    """Run the command; what went wrong on purpose is said in words, without a traceback."""
    try:
        app()
    except AssayError as error:
        typer.echo(f"assay: {error.diagnostics()}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        typer.echo("assay: interrupted; what was measured is kept for the next run", err=True)
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(0)
