"""Each measure against values worked out by hand, and *not measured* where nothing was told."""

from typing import Any

import pytest

from assay.assess import MEASURES, assess
from assay.assess.assessment import Assessment
from assay.examine import EXAMINERS
from assay.model.functions import Family, FunctionClass, FunctionClasses, Safety
from assay.model.measure import Unit, flatten, nest
from assay.model.observations import (
    Account,
    AuthorizedKey,
    CalledFunction,
    Calls,
    Certificate,
    CodeHardening,
    ComponentSighting,
    Credential,
    Evidence,
    Executable,
    Hardening,
    KernelImage,
    KernelModule,
    Observation,
    PrivateKey,
    Service,
    Unmeasured,
    Weakness,
)
from assay.model.outcome import Examined, Failed, Outcome, Ran, TimedOut
from assay.model.tree import (
    LINK_OUTWARD,
    MODES_NOT_READ,
    Container,
    File,
    Guess,
    Kind,
    Problem,
    Region,
    Tree,
)

HERE = Evidence(offset=0)


def a_file(path: str, **changes: Any) -> File:
    values: dict[str, Any] = {"path": path, "kind": Kind.DATA, "sha256": "a" * 64, "size": 10}
    return File(**(values | changes))


def assessed(
    outcomes: dict[str, dict[str, Outcome | list[Observation]]],
    files: list[File] | None = None,
    **tree: Any,
) -> Assessment:
    """Assess outcomes by path and examiner; a list is what an examiner that ran has seen."""
    files = [a_file(path) for path in outcomes] if files is None else files
    by_path = {file.path: file for file in files}
    examined = [
        Examined(
            file=by_path[path],
            examiner=name,
            outcome=Ran(observations=tuple(said)) if isinstance(said, list) else said,
        )
        for path, of_file in outcomes.items()
        for name, said in of_file.items()
    ]
    whole = Tree(sha256="b" * 64, size=100, files=tuple(files), **tree)
    return assess(whole, examined, classes=CLASSES, rules=(), as_of="2026-11-24")


CLASSES = FunctionClasses(
    version="1",
    functions=tuple(
        FunctionClass(name=name, family=family, safety=safety, source="planted")
        for name, family, safety in (
            ("memcpy", Family.MEMCPY, Safety.UNSAFE),
            ("memmove", Family.MEMCPY, Safety.UNSAFE),
            ("__memcpy_chk", Family.MEMCPY, Safety.SAFE),
            ("strcpy", Family.STRCPY, Safety.UNSAFE),
            ("strncpy", Family.STRCPY, Safety.BOUNDED),
            ("strlcpy", Family.STRCPY, Safety.SAFE),
            ("snprintf", Family.SPRINTF, Safety.SAFE),
            ("gets", Family.BANNED, Safety.UNSAFE),
        )
    ),
)


def executable(role: Any = "program", **changes: Any) -> Executable:
    hardening = Hardening(**changes.pop("hardening", {}))
    values: dict[str, Any] = {
        "format": "elf",
        "arch": "arm",
        "bits": 32,
        "endian": "little",
        "static": False,
        "role": role,
        "hardening": hardening,
    }
    return Executable(**(values | changes))


def calls(**sites: int) -> Calls:
    return Calls(
        functions=tuple(CalledFunction(name=name, sites=count) for name, count in sites.items())
    )


def test_executables_and_hardening() -> None:
    full = {"pie": True, "nx": True, "relro": "full", "ibt": True, "shstk": False}
    bare = {"pie": False, "nx": True, "relro": "partial", "rpath": ("/build",)}
    none = {"nx": False, "relro": "none", "executable_stack": True, "text_relocations": True}
    measures = assessed(
        {
            "bin/a": {
                "executable": [executable(hardening=full, stripped=True, compilers=("GCC: 12",))],
                "calls": [
                    CodeHardening(
                        canary=True,
                        canary_functions=3,
                        functions=10,
                        fortify=True,
                        fortified=6,
                        fortifiable=2,
                    )
                ],
            },
            "bin/b": {
                "executable": [executable(hardening=bare, static=True, stripped=False)],
                "calls": [
                    CodeHardening(
                        canary=False,
                        canary_functions=0,
                        functions=30,
                        fortify=False,
                        fortified=0,
                        fortifiable=4,
                    )
                ],
            },
            "lib/c": {
                "executable": [executable("library", hardening=none, arch="mips", debug_info=True)]
            },
            "lib/m.ko": {
                "executable": [
                    executable("module", hardening={"pie": False, "nx": False}),
                    KernelModule(name="m", vermagic="6.1", signed=False),
                ]
            },
        }
    ).measures
    assert {name: measures[name] for name in EXPECTED_HARDENING} == EXPECTED_HARDENING


EXPECTED_HARDENING = {
    "executables.count": 4,
    "executables.static": 1,
    "executables.architectures": ("arm", "mips"),
    "executables.stripped.share": 0.5,
    "executables.debug_info": 1,
    "hardening.pie.share": 0.5,
    "hardening.nx.share": 0.666667,
    "hardening.relro_full.share": 0.333333,
    "hardening.relro.share": 0.666667,
    "hardening.canary.share": 0.5,
    "hardening.canary.functions.share": 0.075,
    "hardening.fortify.share": 0.5,
    "hardening.fortify.calls.share": 0.5,
    "hardening.ibt.share": 1.0,
    "hardening.shstk.share": 0.0,
    "hardening.bti.share": None,
    "hardening.rpath": 1,
    "hardening.text_relocations": 1,
    "hardening.executable_stack": 1,
    "hardening.toolchains": ("GCC: 12",),
    "kernel.modules.count": 1,
    "kernel.modules.unsigned": 1,
}


def test_call_sites() -> None:
    measures = assessed(
        {
            "bin/a": {
                "executable": [executable()],
                "calls": [calls(memcpy=30, __memcpy_chk=10, strncpy=4, main=99, gets=1)],
            },
            "bin/b": {
                "executable": [executable()],
                "calls": [calls(memcpy=15, memmove=5, strcpy=1, strlcpy=3)],
            },
            "bin/c": {"executable": [executable()], "calls": []},
            "bin/d": {"executable": [executable("object")]},
        }
    ).measures
    assert {name: measures[name] for name in EXPECTED_CALLS} == EXPECTED_CALLS


EXPECTED_CALLS = {
    "calls.memcpy_like.unsafe": 50,
    "calls.memcpy_like.safe": 10,
    "calls.memcpy_like.bounded": 0,
    "calls.memcpy_like.unsafe_functions": 2,
    "calls.memcpy_like.safe_functions": 1,
    "calls.memcpy_like.unsafe_share": 0.833333,
    "calls.strcpy_like.unsafe": 1,
    "calls.strcpy_like.bounded": 4,
    "calls.strcpy_like.safe": 3,
    "calls.strcpy_like.unsafe_share": 0.25,
    "calls.sprintf_like.unsafe": 0,
    "calls.sprintf_like.unsafe_share": None,
    "calls.banned": 1,
    "calls.measured.share": 0.666667,
}


def certificate(**changes: Any) -> Certificate:
    values: dict[str, Any] = {
        "subject": "CN=a",
        "issuer": "CN=b",
        "serial": "1",
        "not_before": "2020-01-01T00:00:00+00:00",
        "not_after": "2030-01-01T00:00:00+00:00",
        "key_algorithm": "rsa",
        "key_bits": 2048,
        "signature_hash": "sha256",
        "self_signed": False,
        "ca": False,
        "public": "",
        "sha256": "",
        "evidence": HERE,
    }
    return Certificate(**(values | changes))


def test_secrets_and_certificates() -> None:
    key = PrivateKey(format="pem", algorithm="RSA", encrypted=False, seal="1", evidence=HERE)
    measures = assessed(
        {
            "a": {
                "keys": [key, key.model_copy(update={"encrypted": True})],
                "certificates": [
                    certificate(),
                    certificate(not_after="2026-11-23T23:59:59+00:00"),
                    certificate(not_after="2026-11-24T00:00:00Z"),
                    certificate(key_bits=1024, signature_hash="sha1"),
                    certificate(signature_hash="md5"),
                    certificate(signature_hash="sha1", self_signed=True),
                    certificate(key_algorithm="ec", key_bits=256),
                ],
                "credentials": [Credential(category="wifi-psk", seal="2", evidence=HERE)],
            },
            "b": {"keys": [key]},
        }
    ).measures
    assert measures["secrets.private_keys"] == 3
    assert measures["secrets.unencrypted_private_keys"] == 2
    assert measures["secrets.credentials"] == 1
    assert measures["certificates.count"] == 7
    assert measures["certificates.expired"] == 1
    assert measures["certificates.weak"] == 2


def test_keys_are_paired_with_the_certificates_of_their_public_halves() -> None:
    hidden = PrivateKey(format="pem", algorithm="RSA", encrypted=True, seal="1", evidence=HERE)
    server = hidden.model_copy(update={"encrypted": False, "public": "1" * 64})
    authority = server.model_copy(update={"public": "2" * 64})
    alone = server.model_copy(update={"public": "3" * 64})
    beside: list[Observation] = [
        certificate(public="1" * 64),
        certificate(public="2" * 64),
        certificate(public="2" * 64, ca=True),
    ]
    measures = assessed(
        {"a": {"keys": [hidden, server, authority, alone]}, "b": {"certificates": beside}}
    ).measures
    assert measures["secrets.keys_with_certificate"] == 2
    assert measures["certificates.authorities_with_key"] == 1
    untold = assessed({"a": {"keys": [hidden], "certificates": beside}}).measures
    assert untold["secrets.keys_with_certificate"] is None
    assert assessed({"a": {"keys": []}}).measures["certificates.authorities_with_key"] == 0


def test_a_package_of_an_ecosystem_of_its_own_is_not_the_component_of_that_name() -> None:
    server = ComponentSighting(
        name="redis", purl="pkg:generic/redis", version="7.0", method="version-string", confidence=1
    )
    client = server.model_copy(update={"purl": "pkg:pypi/redis", "version": "5.0"})
    measures = assessed({"a": {"components": [server], "packages": [client]}}).measures
    assert measures["components.count"] == 2
    assert measures["components.several_versions"] == 0


def account(password: Any, **changes: Any) -> Account:
    return Account(user="u", password=password, evidence=HERE, **changes)


def test_accounts_services_kernel() -> None:
    service = Service(name="s", manager="inittab", program="/s", evidence=HERE)
    weakness = Weakness(setting="ssh.root_login", service="ssh", value="yes", evidence=HERE)
    measures = assessed(
        {
            "etc/shadow": {
                "accounts": [
                    account("hash", scheme="md5crypt", weak=True, default="admin"),
                    account("hash", scheme="sha512crypt"),
                    account("empty"),
                    account("locked"),
                    account("elsewhere"),
                    account("plain"),
                    AuthorizedKey(algorithm="ssh-ed25519", public="1", evidence=HERE),
                ],
                "services": [service],
                "configuration": [weakness, weakness],
            },
            "boot/vmlinuz": {
                "kernel": [
                    KernelImage(version="6.1.0", configured=False, evidence=HERE),
                    KernelImage(version="5.10.1", configured=False, evidence=HERE),
                    KernelImage(version="6.1.0", configured=False, evidence=HERE),
                ]
            },
        }
    ).measures
    assert measures["accounts.count"] == 4
    assert measures["accounts.empty_password"] == 1
    assert measures["accounts.default_password"] == 1
    assert measures["accounts.weak_hash"] == 1
    assert measures["secrets.authorized_keys"] == 1
    assert measures["services.count"] == 1
    assert measures["services.weaknesses"] == 2
    assert measures["kernel.versions"] == ("5.10.1", "6.1.0")


def component(name: str, version: str, method: Any = "version-string") -> ComponentSighting:
    return ComponentSighting(
        name=name, purl="", version=version, method=method, confidence=0.9, evidence=()
    )


def test_components() -> None:
    measures = assessed(
        {
            "lib/a": {"components": [component("zlib", "1.2.13"), component("openssl", "3.0.11")]},
            "lib/b": {"components": [component("zlib", "1.2.11"), component("zlib", "")]},
            "var/lib/dpkg/status": {
                "packages": [component("openssl", "3.0.11", "package-database")]
            },
        }
    ).measures
    assert measures["components.count"] == 2
    assert measures["components.places"] == 4
    assert measures["components.several_versions"] == 1


def test_files_and_intake() -> None:
    step = Container(format="squashfs", path="", offset=0, size=60)
    inner = Container(format="tar", path="a.tar", offset=0, size=5)
    gap = Container(format="unknown", path="", offset=80, size=20)
    files = [
        a_file("bin/su", mode=0o4755, capabilities=(), containers=(step,)),
        a_file("bin/wall", mode=0o2755, size=30, containers=(step, inner)),
        a_file("tmp/open", mode=0o666, capabilities=("cap_net_raw",)),
        a_file("unknown@0x50", containers=(gap,)),
        a_file("tmp", kind=Kind.DIRECTORY, sha256="", mode=0o1777),
        a_file("srv", kind=Kind.DIRECTORY, sha256="", mode=0o777),
        a_file("link", kind=Kind.SYMLINK, sha256="", mode=0o777),
    ]
    regions = (
        Region(path="", offset=0, size=60, understood=True, format="squashfs"),
        Region(path="", offset=60, size=20, understood=True, format="lzma"),
        Region(path="lzma@0x3c", offset=0, size=30, understood=True, format="cpio"),
        Region(path="lzma@0x3c", offset=30, size=90, understood=False, guess=Guess.ENCRYPTED),
        Region(path="", offset=80, size=20, understood=False, format="jffs2", why="broken"),
    )
    problem = Problem(path="link", what=LINK_OUTWARD, why="../../etc")
    result = assessed({}, files, regions=regions, problems=(problem,))
    assert {name: result.measures[name] for name in EXPECTED_FILES} == EXPECTED_FILES
    (unknown,) = [gap for gap in result.not_measured if gap.what == "permissions"]
    assert (unknown.path, unknown.files) == ("unknown@0x50", 1)


EXPECTED_FILES = {
    "intake.understood.bytes": 65,  # 60 and a quarter of 20
    "intake.understood.share": 0.65,
    "intake.not_understood.bytes": 35,
    "intake.containers.opened": 2,
    "intake.containers.closed": 1,
    "files.count": 4,
    "files.bytes": 60,
    "files.setuid": 1,
    "files.setgid": 1,
    "files.world_writable": 1,
    "files.world_writable_directories": 1,
    "files.capabilities": 1,
    "files.outward_links": 1,
}


def test_a_part_of_an_image_counts_with_what_of_it_was_understood() -> None:
    regions = (
        Region(path="", offset=0, size=100, understood=True, format="uimage"),
        Region(path="uimage@0x0/payload0", offset=0, size=25, understood=True, format="squashfs"),
        Region(path="uimage@0x0/payload1", offset=0, size=75, understood=False),
        Region(
            path="uimage@0x0/payload0/squashfs@0x0",
            offset=0,
            size=9,
            understood=True,
            format="cpio",
        ),
    )
    assert assessed({}, [], regions=regions).measures["intake.understood.share"] == 0.25


def test_modes_that_were_recorded_but_not_read_leave_no_count() -> None:
    problem = Problem(path="data.img", what=MODES_NOT_READ, why="of erofs")
    result = assessed({}, [a_file("a", mode=0o4755)], problems=(problem,))
    for name in ("setuid", "setgid", "world_writable", "world_writable_directories"):
        assert result.measures[f"files.{name}"] is None
    assert result.measures["files.capabilities"] is None
    (gap,) = [gap for gap in result.not_measured if gap.what == "files.setuid"]
    assert "data.img" in gap.why


def test_modes_that_nothing_records_are_not_measured() -> None:
    result = assessed({}, [a_file("a"), a_file("b"), a_file("d", kind=Kind.DIRECTORY, sha256="")])
    for name in ("setuid", "setgid", "world_writable", "world_writable_directories"):
        assert result.measures[f"files.{name}"] is None
    gap = next(gap for gap in result.not_measured if gap.what == "permissions")
    assert (gap.path, gap.files) == ("a", 3)
    assert {gap.what for gap in result.not_measured} >= {"files.setuid", "files.world_writable"}


TOLD = [measure for measure in MEASURES if measure.told_by]


@pytest.mark.parametrize("measure", TOLD, ids=lambda measure: measure.info.name)
def test_counts_are_unknown_where_nothing_was_looked_at(measure: Any) -> None:
    name = measure.info.name
    failed = Failed(why="malformed")
    nothing = assessed({"a": {"other": []}})
    all_failed = assessed({"a": dict.fromkeys(measure.told_by, failed)})
    ran = assessed({"a": {measure.told_by[0]: []}, "b": {measure.told_by[0]: failed}})
    assert nothing.measures[name] is None
    assert all_failed.measures[name] is None
    assert ran.measures[name] in (0, ())
    (why,) = [gap.why for gap in nothing.not_measured if gap.what == name]
    assert "no file that it is told from" in why
    (why,) = [gap.why for gap in all_failed.not_measured if gap.what == name]
    assert f"{len(measure.told_by)} were tried" in why
    assert name not in {gap.what for gap in ran.not_measured}
    assert [gap.path for gap in ran.not_measured if gap.why == "malformed"] == ["b"]


def test_every_count_of_observations_says_who_tells_it() -> None:
    """Nothing examined at all: whatever is a plain 0 then must be told by the tree alone."""
    measures = assessed({"a": {}}, [a_file("a", mode=0o644)]).measures
    plain = {name for name, value in measures.items() if value is not None}
    assert {name.split(".")[0] for name in plain} <= {"files", "intake", "executables"}
    assert {name for name in plain if name.startswith("executables")} == {"executables.count"}


def test_an_empty_tree_measures_nothing_but_itself() -> None:
    measures = assessed({}).measures
    assert {name for name, value in measures.items() if value not in (None, 0)} == set()
    assert measures["executables.count"] is None
    assert measures["secrets.private_keys"] is None
    assert measures["files.setuid"] is None


def test_executables_that_all_failed_are_not_none() -> None:
    failed = assessed({"bin/a": {"executable": TimedOut(seconds=60)}})
    assert failed.measures["executables.count"] is None
    assert any(gap.why == "stopped after 60 s" for gap in failed.not_measured)


def test_what_examiners_could_not_tell_is_listed_once_for_each_reason() -> None:
    said: list[Observation] = [Unmeasured(what="calls", why="stripped")]
    result = assessed({"b": {"calls": said}, "a": {"calls": said}})
    (gap,) = [gap for gap in result.not_measured if gap.why == "stripped"]
    assert (gap.path, gap.files) == ("a", 2)


def test_measures_are_named_once_nested_and_of_their_unit() -> None:
    names = [measure.info.name for measure in MEASURES]
    assert len(set(names)) == len(names)
    values: dict[str, Any] = dict.fromkeys(names, 1)
    assert flatten(nest(values)) == values
    for measure in MEASURES:
        assert measure.info.name.endswith("share") == (measure.info.unit is Unit.SHARE)


def test_measures_are_told_by_examiners_that_there_are() -> None:
    known = {examiner.name for examiner in EXAMINERS}
    assert {name for measure in MEASURES for name in measure.told_by} <= known
