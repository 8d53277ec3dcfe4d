"""Measures of intake and of the tree's files."""

import re

from assay.assess.facts import Facts
from assay.assess.measures.contract import Measure, Unknown, measure, share
from assay.model.measure import Unit, Value
from assay.model.tree import LINK_OUTWARD, MODES_NOT_READ, File, Kind, Region

_NOTHING = "no byte of the image was looked at"
_NO_FILES = "the tree has no files"
_NO_MODES = "the containers record no modes"


def understood_bytes(regions: tuple[Region, ...], path: str = "") -> float:
    """Bytes of the image that were understood.

    A region of the image counts with the share of it that was understood in turn, where what came
    out of it is told in regions of its own (a compressed stream, a header around a payload).
    """
    prefix = f"{path}/" if path else ""
    total = 0.0
    for region in regions:
        if region.path != path or not region.understood:
            continue
        volume = f"{prefix}{region.format}@{region.offset:#x}"
        parts = {one.path for one in regions if _is_part(one.path, volume)}
        inner = sum(one.size for one in regions if one.path in parts)
        within = sum(understood_bytes(regions, part) for part in parts) / inner if inner else 1.0
        total += region.size * within
    return total


_CONTAINER = re.compile(r"[a-z0-9_-]+@0x[0-9a-f]+")


def _is_part(path: str, volume: str) -> bool:
    """Whether a path is that of a volume's content, or of one of its named parts (an image of
    several files), and not of a container within it."""
    if path == volume:
        return True
    name = path.removeprefix(f"{volume}/")
    return name != path and "/" not in name and not _CONTAINER.fullmatch(name)


@measure("intake.understood.share", Unit.SHARE, "bytes of the image that a known format explains")
def understood_share(facts: Facts) -> Value | Unknown:
    whole = sum(region.size for region in facts.tree.regions if not region.path)
    return share(understood_bytes(facts.tree.regions), whole, _NOTHING)


@measure("intake.understood.bytes", Unit.BYTES, "bytes of the image that a known format explains")
def understood(facts: Facts) -> Value | Unknown:
    return round(understood_bytes(facts.tree.regions)) if facts.tree.regions else Unknown(_NOTHING)


@measure("intake.not_understood.bytes", Unit.BYTES, "bytes of the image that no format explains")
def not_understood(facts: Facts) -> Value | Unknown:
    if not facts.tree.regions:
        return Unknown(_NOTHING)
    whole = sum(region.size for region in facts.tree.regions if not region.path)
    return whole - round(understood_bytes(facts.tree.regions))


@measure("intake.containers.opened", Unit.COUNT, "containers that were opened, nested ones too")
def containers_opened(facts: Facts) -> Value:
    steps = {step for file in facts.tree.files for step in file.containers}
    return len({step for step in steps if step.format != "unknown"})


@measure("intake.containers.closed", Unit.COUNT, "containers that were recognised but not opened")
def containers_closed(facts: Facts) -> Value:
    return sum(bool(region.format) and not region.understood for region in facts.tree.regions)


@measure("files.count", Unit.COUNT, "regular files in the tree")
def files_count(facts: Facts) -> Value:
    return len(_regular(facts))


@measure("files.bytes", Unit.BYTES, "size of all regular files in the tree")
def files_bytes(facts: Facts) -> Value:
    return sum(file.size for file in _regular(facts))


@measure("files.setuid", Unit.COUNT, "files that run with their owner's rights (set-uid)")
def setuid(facts: Facts) -> Value | Unknown:
    return _with_mode(facts, 0o4000)


@measure("files.setgid", Unit.COUNT, "files that run with their group's rights (set-gid)")
def setgid(facts: Facts) -> Value | Unknown:
    return _with_mode(facts, 0o2000)


@measure("files.world_writable", Unit.COUNT, "files that every user may change")
def world_writable(facts: Facts) -> Value | Unknown:
    return _with_mode(facts, 0o002)


@measure(
    "files.world_writable_directories",
    Unit.COUNT,
    "directories that every user may write to and whose entries every user may remove (not sticky)",
)
def world_writable_directories(facts: Facts) -> Value | Unknown:
    folders = [file for file in facts.tree.files if file.kind is Kind.DIRECTORY]
    if why := _unread(facts):
        return Unknown(why)
    modes = [file.mode for file in folders if file.mode is not None]
    if not modes:
        return Unknown(_NO_MODES if folders else "the tree has no directories")
    return sum(mode & 0o002 != 0 and mode & 0o1000 == 0 for mode in modes)


@measure("files.capabilities", Unit.COUNT, "files that grant capabilities to whoever runs them")
def capabilities(facts: Facts) -> Value | Unknown:
    if why := _unread(facts):
        return Unknown(why)
    told = [file.capabilities for file in _regular(facts) if file.capabilities is not None]
    return sum(bool(one) for one in told) if told else Unknown("no capabilities could be read")


@measure("files.outward_links", Unit.COUNT, "symbolic links that climb above their root")
def outward_links(facts: Facts) -> Value:
    return sum(problem.what == LINK_OUTWARD for problem in facts.tree.problems)


def _regular(facts: Facts) -> list[File]:
    return [file for file in facts.tree.files if file.has_content]


def _with_mode(facts: Facts, bits: int) -> Value | Unknown:
    if why := _unread(facts):
        return Unknown(why)
    files = _regular(facts)
    modes = [file.mode for file in files if file.mode is not None]
    if not modes:
        return Unknown(_NO_MODES if files else _NO_FILES)
    return sum(mode & bits != 0 for mode in modes)


def _unread(facts: Facts) -> str:
    """Why a count over modes would be too low: a container records them, but they were not read."""
    problems = [one for one in facts.tree.problems if one.what == MODES_NOT_READ]
    return f"{problems[0].path or 'the image'}: {problems[0].why}" if problems else ""


MEASURES: tuple[Measure, ...] = (
    understood_share,
    understood,
    not_understood,
    containers_opened,
    containers_closed,
    files_count,
    files_bytes,
    setuid,
    setgid,
    world_writable,
    world_writable_directories,
    capabilities,
    outward_links,
)
