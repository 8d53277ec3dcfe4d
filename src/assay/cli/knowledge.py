"""`assay knowledge`: which components are known by their source, and how to add more."""

from pathlib import Path
from typing import Annotated

import typer

knowledge = typer.Typer(
    name="knowledge",
    help="What is known beforehand: signatures of components, advisories, lifecycles.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

WorkspaceOption = Annotated[
    Path | None,
    typer.Option("--workspace", help="Folder that remembers evaluations (default: per user)."),
]


@knowledge.command("list")
def list_components(workspace: WorkspaceOption = None) -> None:
    """Every component that is known, with its releases."""
    from rich.console import Console

    from assay.cli.tables import plain_table, safe
    from assay.workspace import default_folder, signature_shelf

    table = plain_table("Component", "Releases", "First", "Last", "Newest of", "Read from", "")
    listed = signature_shelf(workspace or default_folder()).listed()
    for one in listed:
        table.add_row(
            safe(one.name),
            f"{one.releases:,}",
            safe(one.first),
            safe(one.last),
            one.newest_date,
            safe(one.repository),
            "own" if one.own else "",
        )
    Console().print(table)
    typer.echo(f"{len(listed):,} components")


@knowledge.command()
def show(component: str, workspace: WorkspaceOption = None) -> None:
    """A component's releases, and how much is known of it."""
    from rich.console import Console

    from assay.cli.tables import plain_table, safe
    from assay.workspace import default_folder, signature_shelf

    shown = signature_shelf(workspace or default_folder()).show(component)
    typer.echo(
        f"{shown.listed.name}  {shown.listed.purl}  from {shown.listed.repository or 'files'}"
    )
    typer.echo(f"{shown.features:,} features in {shown.source_files:,} source files")
    table = plain_table("Release", "Day")
    for version, day in reversed(shown.releases):
        table.add_row(safe(version), day)
    Console().print(table)


@knowledge.command()
def build(
    component: Annotated[str, typer.Argument(help="Its name; a shipped recipe is used if any.")],
    source: Annotated[
        list[Path],
        typer.Option(
            "--from", help="A git repository, or tarballs or folders named NAME-VERSION (repeat)."
        ),
    ],
    out: Annotated[
        Path | None, typer.Option(help="Write the signature here instead of the workspace.")
    ] = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Make a component's signature out of its source, every release of it."""
    from assay.workspace import default_folder, signature_shelf

    typer.echo(signature_shelf(workspace or default_folder()).build(component, source, out))


@knowledge.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(help="A snapshot that someone built or exported.")],
    workspace: WorkspaceOption = None,
) -> None:
    """Take signatures into the workspace; they replace shipped ones of the same components."""
    from assay.workspace import default_folder, signature_shelf

    typer.echo(signature_shelf(workspace or default_folder()).add(file))


@knowledge.command()
def export(
    out: Annotated[Path, typer.Argument(help="The file to write.")],
    workspace: WorkspaceOption = None,
) -> None:
    """Write all signatures, shipped and own, as one snapshot."""
    from assay.workspace import default_folder, signature_shelf

    count = signature_shelf(workspace or default_folder()).export(out)
    typer.echo(f"{out}: {count:,} components")


@knowledge.command()
def snapshot(
    repositories: Annotated[
        Path, typer.Option(help="Folder of git repositories, each named OWNER+NAME.")
    ],
    out: Annotated[Path, typer.Option(help="The snapshot to write.")],
    jobs: Annotated[int, typer.Option(min=1, help="Components built at once.")] = 2,
) -> None:
    """For maintainers: build the shipped snapshot anew, by all recipes."""
    from assay.workspace import rebuild_signatures

    count, missing = rebuild_signatures(repositories, out, jobs)
    typer.echo(f"{out}: {count:,} components, {out.stat().st_size:,} bytes")
    if missing:
        typer.echo(f"no repository for: {', '.join(missing)}")
