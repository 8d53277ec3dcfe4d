"""Where symbolic links lead, with the root of their own file system as root."""

from collections.abc import Mapping
from dataclasses import dataclass

MOST_HOPS = 40  # Linux: MAXSYMLINKS, include/linux/namei.h


@dataclass(frozen=True, slots=True)
class Resolved:
    """`path` is None where the link leads nowhere (dangling, a loop); `outward` says that a
    relative target climbs above the root."""

    path: str | None
    outward: bool = False


def resolve(
    link: str, links: Mapping[str, str], paths: frozenset[str], folders: frozenset[str]
) -> Resolved:
    """Follow the link at `link` as the kernel would.

    Args:
        link: path of the link, relative to its file system's root.
        links: every link of that file system: path → target as it stands.
        paths: every path of that file system.
        folders: those of them that are directories.
    """
    steps = _steps(link)
    outward = False
    done: list[str] = []
    hops = 0
    while steps:
        step = steps.pop()
        if step == "..":
            outward = outward or not done
            del done[-1:]
            continue
        here = "/".join([*done, step])
        target = links.get(here)
        if target is None:
            if steps and here not in folders:
                return Resolved(None, outward)
            done.append(step)
            continue
        hops += 1
        if hops > MOST_HOPS:
            return Resolved(None, outward)
        if target.startswith("/"):
            done = []
        steps += _steps(target)
    path = "/".join(done)
    return Resolved(path if path in paths or not path else None, outward)


def _steps(path: str) -> list[str]:
    """The path's steps, last first, so that the next one is popped from the end."""
    return [step for step in reversed(path.split("/")) if step not in ("", ".")]
