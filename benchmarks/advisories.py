"""What it costs to hold components against the shipped advisories: all that are known, a kernel."""

import resource
import time

from assay.knowledge.advisories.library import Library
from assay.knowledge.advisories.shipped import shipped
from assay.knowledge.version_strings import load_version_strings
from assay.model.known import Place, Sightings

AS_OF = "2026-11-24"
RELEASES = ("1.2.3", "2.0", "3.0.1")


def measured(label: str, library: Library, places: dict[str, tuple[Place, ...]]) -> None:
    start = time.process_time()
    known = library.against(Sightings(places=places), AS_OF)
    seconds = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    found = len(known.vulnerabilities)
    print(f"{label}: {seconds:.2f} s, {found:,} vulnerabilities, {peak:.0f} MB at most")


def main() -> None:
    library = Library(shipped())
    names = [one.name for one in load_version_strings().components if one.name != "linux"]
    places = {
        name: tuple(Place(path=f"lib/{name}-{release}", version=release) for release in RELEASES)
        for name in names
    }
    measured(f"{len(names)} components, {len(RELEASES)} releases each", library, places)
    measured("a kernel", library, {"linux": (Place(path="vmlinux", version="5.10.160"),)})


if __name__ == "__main__":
    main()
