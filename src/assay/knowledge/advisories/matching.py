"""One component's copies against its advisories: affected, possibly, fixed, or not affected.

1. Every source's claim is judged by itself (`ranges`). What claims differ in stays visible.
2. A source that only tells the release of the fix makes a copy *possibly* affected.
3. Sources that contradict each other make it *possibly* affected, and are named.
4. A kernel is affected only by what was built into it: where the source files of its build are
   not known, it is *possibly* affected; where they are, the advisory's files decide.
5. A distribution's build is *possibly* affected (see `distribution`), unless the distribution's
   own advisories speak of it: then what they say of its own version number decides. Where its
   change log is in the image, a CVE that it names as mended is *fixed*, by its word.
6. OSS-Fuzz's records repeat CVEs without saying so: *possibly*, so that none is counted twice.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from packageurl import PackageURL

from assay.knowledge.advisories.coverage import coverage_table
from assay.knowledge.advisories.ranges import (
    Answer,
    Bounds,
    Span,
    answer,
    bounds,
    fix_of,
    say,
    span,
)
from assay.model.advisory import GENERIC, Advisory, Claim
from assay.model.known import Place, SourceClaim, State
from assay.model.observations import ChangeLog

KERNEL = "linux"
_COMPILED = (".c", ".S", ".rs")
_FUZZ = "oss-fuzz-vulns"
_FAMILIES = {"deb": ("debian", "ubuntu"), "apk": ("alpine",)}
_FAMILIES |= {"rpm": ("red hat", "rocky linux", "almalinux", "suse", "opensuse", "mageia")}
_STATES: Mapping[Answer, State] = {
    "inside": "affected",
    "outside": "not affected",
    "unknown": "possibly",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What follows for one release from one advisory."""

    state: State
    why: str = ""
    claims: tuple[SourceClaim, ...] = ()
    fixed_in: tuple[str, ...] = ()
    disagreement: bool = False


@dataclass(frozen=True, slots=True)
class Release:
    """A release that occurs, in upstream's numbers and (with a package) the distribution's.

    `kind` is the type of the package URL, `package` the distribution's version.
    """

    version: str
    low: str
    high: str
    kind: str = ""
    namespace: str = ""
    package: str = ""
    distribution: str = ""

    @property
    def upstream(self) -> bool:
        """Whether its numbers are upstream's, not those of a language's ecosystem."""
        return self.kind in ("", GENERIC, "github", "opkg", "ipk", *_FAMILIES)


def release_of(place: Place) -> Release:
    """What of a copy decides: copies that agree in it have the same verdicts."""
    kind = namespace = package = ""
    try:
        purl = PackageURL.from_string(place.purl) if place.purl else None
    except ValueError:
        purl = None
    if purl is not None:
        kind, namespace = purl.type or "", purl.namespace or ""
        if kind in _FAMILIES:
            qualifiers = purl.qualifiers if isinstance(purl.qualifiers, dict) else {}
            epoch = qualifiers.get("epoch", "")
            package = f"{epoch}:{purl.version}" if epoch and purl.version else purl.version or ""
    return Release(
        place.version, place.low, place.high, kind, namespace, package, place.distribution
    )


class Matcher:
    """The advisories of one component, made ready for any number of releases."""

    def __init__(
        self, component: str, advisories: Sequence[Advisory], logs: Sequence[ChangeLog] = ()
    ) -> None:
        self.component = component
        self._logs = [(log, dict(log.fixes)) for log in logs]
        self._ready = [
            (advisory, tuple((claim, bounds(claim)) for claim in advisory.claims))
            for advisory in advisories
        ]
        self._fix_only = coverage_table().fix_only

    def against(
        self, release: Release, built: frozenset[str] | None
    ) -> list[tuple[Advisory, Verdict]]:
        """Every advisory that affects the release, may affect it, or is fixed in its package."""
        found = []
        spans: dict[str, Span | None] = {}
        for advisory, claims in self._ready:
            verdict = self._verdict(claims, release, built, spans)
            if verdict is not None and verdict.state in ("affected", "possibly"):
                verdict = self._by_log((advisory.id, *advisory.aliases), verdict, release)
            if verdict is not None and verdict.state != "not affected":
                found.append((advisory, verdict))
        return found

    def _verdict(
        self,
        claims: Sequence[tuple[Claim, tuple[Bounds, ...]]],
        release: Release,
        built: frozenset[str] | None,
        spans: dict[str, Span | None],
    ) -> Verdict | None:
        judged: list[tuple[Claim, str, State, str]] = []
        for claim, ranges in claims:
            if _speaks_of(claim, release) and (ranges or claim.versions):
                place = self._span(release, claim, spans)
                state, why = self._upstream(claim, ranges, place)
                fix = fix_of(ranges, place) if place and state != "not affected" else ""
                judged.append((claim, fix, state, why))
        if judged and all(state == "not affected" for _, _, state, _ in judged):
            return None  # most advisories, of the kernel above all, end here
        told = [
            SourceClaim(source=claim.source, says=say(claim), state=state, fixed_in=fix)
            for claim, fix, state, _ in judged
        ]
        whys = [why for _, _, _, why in judged if why]
        if not told:
            return _by_package_alone(claims, release)
        base = _joined(told, whys)
        if self.component == KERNEL:
            base = _by_files(base, [claim for claim, _ in claims], built)
        return self._by_distribution(base, claims, release)

    def _span(self, release: Release, claim: Claim, spans: dict[str, Span | None]) -> Span | None:
        if claim.ecosystem not in spans:
            spans[claim.ecosystem] = span(
                self.component, release.version, release.low, release.high, claim.ecosystem
            )
        return spans[claim.ecosystem]

    def _upstream(
        self, claim: Claim, ranges: tuple[Bounds, ...], release: Span | None
    ) -> tuple[State, str]:
        if release is None:
            return "possibly", "the release can't be placed among the component's"
        given = answer(claim, ranges, release)
        state = _STATES[given]
        if state == "affected" and claim.source == _FUZZ:
            return "possibly", "found by fuzzing; may be one of the CVEs under another name"
        starts_unknown = all(one.low is None for one in ranges)
        if state == "affected" and claim.source in self._fix_only and starts_unknown:
            return "possibly", f"{claim.source} tells the release of the fix alone"
        if state == "possibly":
            why = "releases on both sides of the bounds are possible"
            return state, why if not release.is_exact else "a bound can't be read as a version"
        return state, ""

    def _by_log(self, names: Sequence[str], base: Verdict, release: Release) -> Verdict:
        """What the change log of the distribution's package says, where it is of this release and
        the distribution's advisories have not decided."""
        if not release.distribution or base.state == "affected":
            return base
        for log, fixes in self._logs:
            fixed = next((fixes[name] for name in names if name in fixes), "")
            if fixed and release.version and _upstream_of(log.version, release.version):
                told = SourceClaim(
                    source=f"change log of {log.source} {log.version}",
                    says=f"mended in {fixed}",
                    state="not affected",
                    fixed_in=fixed,
                )
                why = f"the distribution's change log says that {fixed} mends it"
                claims = (*base.claims, told)
                return Verdict("fixed", why, claims, base.fixed_in, base.disagreement)
        return base

    def _by_distribution(
        self,
        base: Verdict,
        claims: Sequence[tuple[Claim, tuple[Bounds, ...]]],
        release: Release,
    ) -> Verdict:
        if base.state == "not affected" or not release.distribution:
            return base
        own = _own_claims(claims, release) if release.package else []
        states = {state for _, _, state in own}
        told = tuple(one for _, one, _ in own)
        if states and states <= {"not affected"}:
            why = "the distribution says that its package has the fix"
            return Verdict("fixed", why, base.claims + told, base.fixed_in, base.disagreement)
        fixes = tuple(dict.fromkeys(one.fixed_in for one in told if one.fixed_in))
        if states == {"affected"}:
            why = "the distribution says so of its package"
            return Verdict("affected", why, base.claims + told, fixes, base.disagreement)
        why = f"a distribution's build ({release.distribution}): fixes may have been carried back"
        whys = "; ".join(filter(None, (base.why, why)))
        return Verdict(
            "possibly", whys, base.claims + told, fixes or base.fixed_in, base.disagreement
        )


def _speaks_of(claim: Claim, release: Release) -> bool:
    """Whether a claim's numbers are those of the release."""
    if claim.ecosystem == GENERIC:
        return release.upstream
    return not release.upstream


def _by_package_alone(
    claims: Sequence[tuple[Claim, tuple[Bounds, ...]]], release: Release
) -> Verdict | None:
    """Where only the distribution speaks of it, what it says of its package decides."""
    own = _own_claims(claims, release) if release.package else []
    return _joined([told for _, told, _ in own], ["a bound can't be read"]) if own else None


def _joined(told: Sequence[SourceClaim], whys: Iterable[str]) -> Verdict:
    """What all sources together give: unanimous, or *possibly* with the disagreement named."""
    states = {one.state for one in told}
    fixes = tuple(dict.fromkeys(one.fixed_in for one in told if one.fixed_in))
    claims = tuple(told)
    if states == {"not affected"}:
        return Verdict("not affected", claims=claims)
    if "not affected" in states:
        free = ", ".join(one.source for one in told if one.state == "not affected")
        hit = ", ".join(one.source for one in told if one.state != "not affected")
        why = f"sources disagree: {hit} name the release, {free} does not"
        return Verdict("possibly", why, claims, fixes, disagreement=True)
    if "affected" in states:
        return Verdict("affected", "", claims, fixes)
    return Verdict("possibly", "; ".join(dict.fromkeys(whys)), claims, fixes)


def _by_files(base: Verdict, claims: Iterable[Claim], built: frozenset[str] | None) -> Verdict:
    files = {file for claim in claims for file in claim.files}
    if built is None:
        why = "which source files the build contains is not known"
    elif not files:
        why = "the advisory names no source files to look for in the build"
    elif files & built:
        return base
    elif any(not file.endswith(_COMPILED) for file in files):
        why = "none of its source files is built in, but files that others include are concerned"
    else:
        return Verdict("not affected", "none of its source files is built in", base.claims)
    whys = "; ".join(filter(None, (base.why, why)))
    return Verdict("possibly", whys, base.claims, base.fixed_in, base.disagreement)


def _own_claims(
    claims: Sequence[tuple[Claim, tuple[Bounds, ...]]], release: Release
) -> list[tuple[Claim, SourceClaim, State]]:
    """What the package's own distribution says of the package's own version."""
    found: list[tuple[Claim, SourceClaim, State]] = []
    for claim, ranges in claims:
        if not _is_of(claim.ecosystem, release):
            continue
        exact = span(claim.component, release.package, "", "", claim.ecosystem)
        given: Answer = answer(claim, ranges, exact) if exact else "unknown"
        state = _STATES[given]
        fix = fix_of(ranges, exact) if exact else ""
        says = f"{claim.ecosystem}: {say(claim)}"
        told = SourceClaim(source=claim.source, says=says, state=state, fixed_in=fix)
        found.append((claim, told, state))
    return found


def _is_of(ecosystem: str, release: Release) -> bool:
    """Whether an ecosystem (`Debian:12`) is that of the package, as far as the package tells."""
    family, _, number = ecosystem.lower().partition(":")
    if family not in _FAMILIES.get(release.kind, ()):
        return False
    if release.namespace and family in ("debian", "ubuntu") and release.namespace != family:
        return False
    told = _debian_release(release.package)
    return not number or not told or number.split(":")[0] == told


def _upstream_of(package: str, version: str) -> bool:
    """Whether a distribution's version (`1:9.2p1-2+deb12u3`) is of an upstream release."""
    bare = package.partition(":")[2] if ":" in package else package
    rest = bare.removeprefix(version)
    return rest != bare and (not rest or rest[0] in "-+~")


def _debian_release(package: str) -> str:
    """`3.0.15-1~deb12u1` → `12`; empty where the version does not tell."""
    package = package.replace("~deb", "+deb")
    _, mark, rest = package.partition("+deb")
    return rest.partition("u")[0] if mark else ""


def unmatched(advisories: Iterable[Advisory]) -> int:
    """How many advisories name no release that a copy could be held against."""
    return sum(
        not any(claim.ranges or claim.versions for claim in one.claims) for one in advisories
    )


def groups(places: Iterable[Place]) -> Mapping[Release, tuple[Place, ...]]:
    """Copies by what of them decides."""
    found: dict[Release, list[Place]] = {}
    for place in places:
        found.setdefault(release_of(place), []).append(place)
    return {release: tuple(listed) for release, listed in found.items()}
