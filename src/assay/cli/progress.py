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
from assay.workspace import Step


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
        TextColumn("{task.fields[left]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("Reading", total=None, detail="", left="")

        def report(step: Step) -> None:
            bar.update(
                task,
                description=step.phase,
                completed=step.done,
                total=step.total or None,
                detail=f"{step.files:,} files" if step.files else "",
                left="left" if step.total else "",
            )

        yield report


def _lines(console: Console) -> Report:
    said: list[str] = []

    def report(step: Step) -> None:
        if said[-1:] != [step.phase]:
            said.append(step.phase)
            console.print(f"{step.phase} …")

    return report
