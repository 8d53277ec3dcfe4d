"""squashfs by squashfs-tools and 7-Zip, tried in that order, and by sasquatch where it is.

Vendors changed the compressor without changing the format's name (LZMA with other parameters,
big-endian version 4): what `unsquashfs` refuses, 7-Zip often reads.
"""

import shutil
import subprocess
from pathlib import Path
from typing import Any

from unblob.extractors.command import COMMAND_TIMEOUT
from unblob.handlers.filesystem import squashfs
from unblob.models import ExtractError, Extractor, Handler
from unblob.report import ExtractCommandFailedReport, ExtractorDependencyNotFoundReport

# -ignore-errors: one unreadable block must not cost the other files.
_COMMANDS: tuple[tuple[str, ...], ...] = (
    ("unsquashfs", "-f", "-n", "-q", "-no-xattrs", "-ignore-errors", "-d", "{out}", "{image}"),
    ("7z", "x", "-y", "-bd", "-o{out}", "{image}"),
    ("sasquatch", "-no-exit-code", "-f", "-d", "{out}", "{image}"),
)
_UNSQUASHFS_PARTLY = 2  # "non-fatal errors": a device node that may not be made, for example


class SquashfsExtractor(Extractor):
    """Runs each installed tool until one yields files."""

    def extract(self, inpath: Path, outdir: Path) -> None:
        installed = [command for command in _COMMANDS if shutil.which(command[0])]
        if not installed:
            raise ExtractError(ExtractorDependencyNotFoundReport(dependencies=["unsquashfs"]))
        reports = []
        for command in installed:
            failure = _run(command, inpath, outdir)
            if failure is None:
                return
            reports.append(failure)
            _empty(outdir)
        raise ExtractError(*reports)

    def get_dependencies(self) -> list[str]:
        return ["unsquashfs", "7z"]


def _run(command: tuple[str, ...], image: Path, out: Path) -> ExtractCommandFailedReport | None:
    words = [word.format(out=out, image=image) for word in command]
    done = subprocess.run(words, capture_output=True, timeout=COMMAND_TIMEOUT, check=False)
    yielded = any(out.iterdir())
    partly = words[0] == "unsquashfs" and done.returncode == _UNSQUASHFS_PARTLY
    if yielded and (done.returncode == 0 or partly):
        return None
    return ExtractCommandFailedReport(
        command=words[0],
        stdout=done.stdout[-2000:],
        stderr=done.stderr[-2000:],
        exit_code=done.returncode,
    )


def _empty(folder: Path) -> None:
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def _with_our_extractor(handler: type[Handler[Any]]) -> type[Handler[Any]]:
    return type(handler.__name__, (handler,), {"EXTRACTOR": SquashfsExtractor()})


SQUASHFS_HANDLERS: tuple[type[Handler[Any]], ...] = tuple(
    _with_our_extractor(handler)
    for handler in (
        squashfs.SquashFSv1Handler,
        squashfs.SquashFSv2Handler,
        squashfs.SquashFSv2NonStandardHandler,
        squashfs.SquashFSv3Handler,
        squashfs.SquashFSv3DDWRTHandler,
        squashfs.SquashFSv3BroadcomHandler,
        squashfs.SquashFSv3NSHandler,
        squashfs.SquashFSv4LEHandler,
        squashfs.SquashFSv4BEHandler,
        squashfs.SquashFSv4BroadcomHandler,
    )
)
