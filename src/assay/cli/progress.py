"""A progress bar: phase, how much is done, time left."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from assay.workspace import Progress as Report


@contextmanager
def shown_progress() -> Iterator[Report]:
    """A bar on standard error, gone when it is done; a line a phase where that is no terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _lines(console)
        return
    columns = (
        TextColumn("{task.description:<10}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[detail]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("Reading", total=None, detail="")

        def report(phase: str, done: int, total: int) -> None:
            detail = f"{done:,} files" if done and not total else ""
            if total:
                detail = f"{done / 1e6:,.0f} of {total / 1e6:,.0f} MB"
            bar.update(
                task,
                description=phase,
                completed=done if total else 0,
                total=total or None,
                detail=detail,
            )

        yield report


def _lines(console: Console) -> Report:
    said: list[str] = []

    def report(phase: str, done: int, total: int) -> None:
        if said[-1:] != [phase]:
            said.append(phase)
            console.print(f"{phase} …")

    return report
