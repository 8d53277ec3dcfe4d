"""The process that runs unpackers: looks into one file at a time and says what it found.

Started by `assay.intake.start`, it reads a request a line from standard
input and answers with a line on standard output. It is confined before the first request: writes
reach the scratch folder alone (Landlock, where the kernel has it), file sizes, address space and
core dumps are bounded. The parent kills it when a bound on time, bytes or files is reached.
"""

import ctypes
import json
import logging
import os
import resource
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import structlog
from unblob.extractor import carve_valid_chunk
from unblob.file_utils import File
from unblob.finder import search_chunks
from unblob.models import ExtractError, ExtractResult, PaddingChunk, Task, TaskResult, ValidChunk
from unblob.processing import calculate_unknown_chunks, process_patterns, remove_inner_chunks
from unblob.report import (
    CalculateChunkExceptionReport,
    ExtractCommandFailedReport,
    ExtractionProblem,
    ExtractorDependencyNotFoundReport,
    ExtractorTimedOut,
    LinkExtractionProblem,
    Report,
    SpecialFileExtractionProblem,
    UnknownError,
)
from unblob.sandbox import AccessFS, SandboxError, restrict_access

from assay.intake.handlers import HANDLERS
from assay.intake.limits import Limits
from assay.intake.listing import list_members
from assay.intake.padding import split_padding

_WHY_LIMIT = 300
_MOST_NOTES = 100
_END_WITH_PARENT = 1  # PR_SET_PDEATHSIG, prctl(2)
_LINK_REFUSED = b"ERROR: Dangerous link path was ignored"


def look_into(path: Path, out: Path) -> dict[str, Any]:
    """Find the containers in a file and unpack each into a folder of its own below `out`."""
    result = TaskResult(task=Task(blob_id="", path=path, depth=0))
    size = path.stat().st_size
    with File.from_path(path) as file:
        chunks = remove_inner_chunks(search_chunks(file, size, HANDLERS, result))
        gaps = process_patterns(calculate_unknown_chunks(chunks, size), file)
        chunks.sort(key=lambda chunk: chunk.start_offset)
        regions = [_unpack(file, path, chunk, out / str(n)) for n, chunk in enumerate(chunks)]
        for gap in gaps:
            padded = isinstance(gap, PaddingChunk)
            regions += [
                _region(start, end - start, form)
                for start, end, form in (
                    [(gap.start_offset, gap.end_offset, "padding")]
                    if padded
                    else split_padding(file, gap.start_offset, gap.end_offset)
                )
            ]
    return {"regions": regions, "problems": [_broken_header(report) for report in _crashes(result)]}


def _region(offset: int, size: int, form: str) -> dict[str, Any]:
    return {"offset": offset, "size": size, "format": form, "out": None, "why": ""}


def _unpack(file: File, path: Path, chunk: ValidChunk, out: Path) -> dict[str, Any]:
    region = _region(chunk.start_offset, chunk.size, chunk.handler.NAME)
    if chunk.handler.EXTRACTOR is None:
        return region | {"why": "no extractor for this format"}
    if chunk.is_encrypted:
        return region | {"why": "encrypted"}
    out.parent.mkdir(parents=True, exist_ok=True)
    _say({"entered": str(out), **region})
    carved = path
    if chunk.size != file.size():
        carved = carve_valid_chunk(out.parent, file, chunk)
    region["why"], problems = _extract(chunk, carved, out)
    if _holds_something(out):
        region["listing"] = list_members(chunk.handler.NAME, carved)
        region["out"] = str(out)
        region["notes"] = _notes(problems, out, listed=bool(region["listing"]))
    if carved is not path:
        carved.unlink()
    return region


def _extract(chunk: ValidChunk, carved: Path, out: Path) -> tuple[str, list[ExtractionProblem]]:
    """Why nothing came out (nothing where it did), and what was refused on the way."""
    try:
        outcome = chunk.extract(carved, out)
    except ExtractError as error:
        reasons = [_reason(report) for report in error.reports]
        return "; ".join(filter(None, reasons)) if reasons else "extractor failed", []
    except Exception as error:  # noqa: BLE001 (any extractor may fail in any way on hostile input)
        return _short(f"extractor failed: {type(error).__name__}: {error}"), []
    problems = [] if outcome is None else list(_problems(outcome))
    if _holds_something(out):
        return "", problems
    said = sorted({problem.problem for problem in problems})
    return _short("; ".join(said)) or "nothing came out", []


def _short(text: str) -> str:
    """At most so long, and fit for any document: names that are no text may stand in it."""
    return text[:_WHY_LIMIT].encode("utf-8", "backslashreplace").decode()


def _notes(problems: list[ExtractionProblem], out: Path, *, listed: bool) -> list[str]:
    """What an extractor refused or changed; links that the listing gives back are left out."""
    told = {
        f"{getattr(problem, 'path', '')}: {problem.problem} {problem.resolution}"
        for problem in problems
        if not (
            listed and isinstance(problem, LinkExtractionProblem | SpecialFileExtractionProblem)
        )
    }
    plain = sorted(_short(note.replace(str(out), "").removeprefix(": ")) for note in told)
    return plain[:_MOST_NOTES]


def _holds_something(folder: Path) -> bool:
    return folder.is_dir() and any(folder.iterdir())


def _problems(outcome: ExtractResult) -> Iterator[ExtractionProblem]:
    return (report for report in outcome.reports if isinstance(report, ExtractionProblem))


def _reason(report: Report) -> str:
    """Why an extractor gave up; nothing where it left out what the listing gives back."""
    if isinstance(report, ExtractorDependencyNotFoundReport):
        return f"extractor not installed: {', '.join(report.dependencies)} (see `assay doctor`)"
    if isinstance(report, ExtractorTimedOut):
        return f"extractor stopped after {report.timeout:.0f} s"
    if isinstance(report, ExtractCommandFailedReport):
        if _only_links_refused(report):
            return ""
        said = (report.stderr or report.stdout).decode(errors="replace").strip().splitlines()
        tool = report.command.split(" ", 1)[0].rsplit("/", 1)[-1]
        return f"{tool} exited with {report.exit_code}: {said[-1] if said else ''}"[:_WHY_LIMIT]
    if isinstance(report, UnknownError):
        return _short((str(report.exception).strip().splitlines() or ["failed"])[-1])
    return type(report).__name__


def _only_links_refused(report: ExtractCommandFailedReport) -> bool:
    """7-Zip makes no link that climbs with `..`, and counts that as its only errors."""
    errors = [line for line in report.stderr.splitlines() if line.startswith(b"ERROR")]
    return bool(errors) and all(line.startswith(_LINK_REFUSED) for line in errors)


def _crashes(result: TaskResult) -> list[CalculateChunkExceptionReport]:
    return result.filter_reports(CalculateChunkExceptionReport)


def _broken_header(report: CalculateChunkExceptionReport) -> dict[str, Any]:
    return {
        "offset": report.start_offset,
        "what": f"header of {report.handler}",
        "why": _short((str(report.exception).strip().splitlines() or ["failed"])[-1]),
    }


def _confine(scratch: Path, limits: Limits) -> None:
    # Whatever becomes of the parent, nobody but it would stop an extraction that never ends.
    ctypes.CDLL(None).prctl(_END_WITH_PARENT, signal.SIGKILL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (limits.file_bytes, limits.file_bytes))
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory_bytes, limits.memory_bytes))
    os.environ["TMPDIR"] = str(scratch)
    with suppress(SandboxError):  # a kernel without Landlock: `assay doctor` says so
        restrict_access(
            AccessFS.read("/"),
            AccessFS.read_write("/dev/null"),
            AccessFS.read_write(scratch),
            AccessFS.remove_dir(scratch),
            AccessFS.remove_file(scratch),
            AccessFS.make_dir(scratch),
        )


def _say(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def main(scratch: Path, limits: Limits) -> None:
    """Serve requests until standard input ends."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL),
        logger_factory=structlog.ReturnLoggerFactory(),
    )
    _confine(scratch, limits)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = look_into(Path(request["path"]), Path(request["out"]))
        except Exception as error:  # noqa: BLE001 (the parent must hear of every failure)
            answer = {"broken": _short(f"{type(error).__name__}: {error}")}
        _say({"answer": answer})
