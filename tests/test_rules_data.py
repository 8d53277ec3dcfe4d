"""The rules' texts: complete, well typed, in step with what they speak of, and able to apply."""

import re
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import PurePath
from typing import Any

import pytest
import yaml
from cel_expr_python import cel

from assay.assess import MEASURES, Facts, Rule, load_rules
from assay.assess.facts import Sighting, gather
from assay.assess.findings import find
from assay.examine.settings.checks import SERVICES
from assay.knowledge import knowledge_base
from assay.model.base import Frozen
from assay.model.evaluation import CallTable, CertifiedKey, FunctionCalls
from assay.model.finding import Finding, Severity
from assay.model.functions import FunctionClasses
from assay.model.known import SupportedCopy, VulnerableCopy
from assay.model.measure import Value
from assay.model.observations import (
    Account,
    AuthorizedKey,
    CalledFunction,
    Calls,
    Certificate,
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
    Weakness,
)
from assay.model.outcome import Examined, Ran
from assay.model.tree import File, Guess, Kind, Region, Tree

THEMES = [
    "accounts",
    "calls",
    "certificates",
    "components",
    "configuration",
    "filesystem",
    "hardening",
    "intake",
    "kernel",
    "lifecycle",
    "secrets",
    "services",
    "vulnerabilities",
]
TEXTS = ["title", "severity_reason", "cwe", "remedy", "practice"]
SUBJECTS: dict[str, type[Frozen] | None] = {
    "account": Account,
    "authorized_key": AuthorizedKey,
    "calls": CallTable,
    "certificate": Certificate,
    "certified_key": CertifiedKey,
    "component": ComponentSighting,
    "credential": Credential,
    "executable": Executable,
    "kernel": KernelImage,
    "kernel_module": KernelModule,
    "private_key": PrivateKey,
    "region": Region,
    "service": Service,
    "support": SupportedCopy,
    "vulnerability": VulnerableCopy,
    "weakness": Weakness,
    "file": None,
    "measures": None,
}
FILE_KEYS = set(
    """
    path name stem kind size mode setuid setgid sticky world_writable uid gid target resolved
    capabilities containers
    """.split()
)
NO_IDENTITY = re.compile(
    r"file\.path|file\.size|file\.containers|o\.version|o\.offset|o\.size|o\.evidence|o\.not_|"
    r"o\.sha256|o\.seal|o\.low|o\.high|o\.banner|as_of|o\.release|o\.series|o\.ends|o\.epss"
)
ENVIRONMENT = cel.NewEnv(
    variables={
        "o": cel.Type.Map(cel.Type.STRING, cel.Type.DYN),
        "file": cel.Type.Map(cel.Type.STRING, cel.Type.DYN),
        "m": cel.Type.Map(cel.Type.STRING, cel.Type.DYN),
        "as_of": cel.Type.STRING,
    }
)
AS_OF = "2026-11-24"


def _entries() -> list[dict[str, Any]]:
    folder = resources.files("assay.assess.rules")
    found = []
    for theme in THEMES:
        for entry in yaml.safe_load(folder.joinpath(f"{theme}.yaml").read_text("utf-8")):
            found.append({"theme": theme, **entry})
    return found


ENTRIES = _entries()
by_rule = pytest.mark.parametrize("entry", ENTRIES, ids=[entry["id"] for entry in ENTRIES])


def _expressions(entry: dict[str, Any]) -> dict[str, str]:
    return {key: str(entry[key]) for key in ("when", "subject", "identity") if key in entry}


def test_every_theme_is_listed() -> None:
    folder = resources.files("assay.assess.rules")
    files = [PurePath(one.name) for one in folder.iterdir()]
    assert sorted(file.stem for file in files if file.suffix == ".yaml") == THEMES


def test_ids_are_unique() -> None:
    ids = [entry["id"] for entry in ENTRIES]
    assert len(ids) == len(set(ids))


def test_titles_are_unique_within_a_theme() -> None:
    titles = [(entry["theme"], entry["title"]) for entry in ENTRIES]
    assert len(titles) == len(set(titles))


@by_rule
def test_texts_are_complete(entry: dict[str, Any]) -> None:
    assert re.fullmatch(rf"{entry['theme']}\.[a-z][a-z0-9_]*", entry["id"])
    assert entry["over"] in SUBJECTS
    Severity(entry["severity"])
    for key in TEXTS:
        text = entry[key]
        assert isinstance(text, str), key
        assert text.strip() == text, key
        assert len(text) >= (5 if key == "cwe" else 10), key
        assert "{" not in text, key
    assert entry["severity_reason"].endswith(".")
    assert entry["remedy"].endswith(".")
    assert not entry["title"].endswith(".")
    assert len(entry["title"]) <= 100


@by_rule
def test_cwe_is_a_number_of_the_list(entry: dict[str, Any]) -> None:
    assert re.fullmatch(r"CWE-[1-9]\d{1,3}", entry["cwe"])


@by_rule
def test_expressions_are_well_typed(entry: dict[str, Any]) -> None:
    for key, text in _expressions(entry).items():
        wanted = cel.Type.BOOL if key == "when" else cel.Type.STRING
        given = ENVIRONMENT.compile(text).return_type()
        assert given in (wanted, cel.Type.DYN), f"{key}: {given.name()}"


@by_rule
def test_fields_exist(entry: dict[str, Any]) -> None:
    """The map of an observation is dynamic in CEL, so a misspelt field would never be told."""
    subject = SUBJECTS[entry["over"]]
    for text in _expressions(entry).values():
        code = _without_strings(text)
        for chain in re.findall(r"\bo((?:\.[a-zA-Z_0-9]+)+)", code):
            assert subject is not None, f"{entry['over']} has no o"
            _walk(subject, chain.removeprefix(".").split("."))
        called = set(re.findall(r"\bf\.([a-z_]+)", code))
        assert called <= set(FunctionCalls.model_fields)
        used = set(re.findall(r"\bfile\.([a-z_]+)", code))
        assert used <= FILE_KEYS
        assert not used or entry["over"] not in ("measures", "region")


def _without_strings(text: str) -> str:
    return re.sub(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'', '""', text)


def _walk(model: type[Frozen], steps: list[str]) -> None:
    functions = {"matches", "startsWith", "endsWith", "contains", "exists", "filter", "all", "map"}
    for number, step in enumerate(steps):
        if step in functions:
            assert number == len(steps) - 1
            return
        assert step in model.model_fields, f"{model.__name__} has no {step}"
        inner = model.model_fields[step].annotation
        if not (isinstance(inner, type) and issubclass(inner, Frozen)):
            assert set(steps[number + 1 :]) <= functions
            return
        model = inner


@by_rule
def test_measures_exist(entry: dict[str, Any]) -> None:
    known = {measure.info.name for measure in MEASURES}
    used = {
        name
        for text in _expressions(entry).values()
        for name in re.findall(r"""\bm\[["']([^"']+)["']\]""", text)
    }
    assert used <= known
    assert bool(used) == (entry["over"] == "measures")
    assert not any(
        re.search(r"\bm\.", _without_strings(text)) for text in _expressions(entry).values()
    )


def _quoted(text: str) -> list[str]:
    return re.findall(r'"([^"]*)"', text)


def test_settings_and_rules_are_in_step() -> None:
    checked = {check.setting for service in SERVICES for check in service.checks}
    judged: set[str] = set()
    for entry in ENTRIES:
        if entry["over"] == "weakness":
            names = _quoted(entry["when"])
            assert names, entry["id"]
            assert not judged & set(names), entry["id"]
            judged |= set(names)
    assert judged == checked


def test_functions_named_by_rules_are_classified() -> None:
    classified = knowledge_base().functions.by_name()
    for entry in ENTRIES:
        if entry["over"] == "calls":
            assert set(_quoted(entry["when"])) <= set(classified), entry["id"]


@by_rule
def test_identity_survives_the_next_release(entry: dict[str, Any]) -> None:
    code = _without_strings(entry.get("identity", "file.stem"))
    assert not NO_IDENTITY.search(code)


# From here on: every rule applies to an example, and to nothing that is as it should be.


@dataclass(frozen=True)
class Example:
    """What a rule must apply to: an observation in a file, a file, a region, measures, or what is
    known against a copy.

    `beside` is a second observation in the same image.
    """

    fact: Observation | SupportedCopy | VulnerableCopy | None = None
    file: dict[str, Any] = field(default_factory=dict)
    region: dict[str, Any] | None = None
    measures: dict[str, Value] = field(default_factory=dict)
    beside: Observation | None = None


def _account(**changes: Any) -> Account:
    sound: dict[str, Any] = {
        "user": "admin",
        "uid": 1000,
        "password": "locked",
        "evidence": Evidence(),
    }
    return Account(**sound | changes)


def _calls(**sites: int) -> Calls:
    return Calls(
        functions=tuple(CalledFunction(name=name, sites=count) for name, count in sites.items())
    )


def _certificate(**changes: Any) -> Certificate:
    sound: dict[str, Any] = {
        "subject": "CN=device",
        "issuer": "CN=authority",
        "serial": "1",
        "not_before": "2026-01-01T00:00:00Z",
        "not_after": "2030-01-01T00:00:00Z",
        "key_algorithm": "rsa",
        "key_bits": 3072,
        "signature_hash": "sha256",
        "self_signed": False,
        "ca": False,
        "public": "ab" * 32,
        "sha256": "cd" * 32,
        "evidence": Evidence(),
    }
    return Certificate(**sound | changes)


def _executable(role: str = "program", **changes: Any) -> Executable:
    hardening = Hardening(
        pie=True,
        nx=True,
        relro="full",
        canary=True,
        canary_functions=30,
        functions=100,
        fortify=True,
        fortified=20,
        fortifiable=20,
        runpath=("$ORIGIN/../lib", "/usr/lib/app"),
        text_relocations=False,
    )
    hardening = hardening.model_copy(update=changes.pop("hardening", {}))
    sound: dict[str, Any] = {
        "format": "elf",
        "arch": "arm",
        "bits": 32,
        "endian": "little",
        "role": role,
        "static": False,
        "compilers": ("GCC: (Debian 12.2.0-14) 12.2.0",),
        "debug_info": False,
        "hardening": hardening,
    }
    return Executable(**sound | changes)


def _key(**changes: Any) -> PrivateKey:
    sound: dict[str, Any] = {
        "format": "pem",
        "algorithm": "rsa",
        "bits": 3072,
        "encrypted": False,
        "seal": "",
        "evidence": Evidence(),
    }
    return PrivateKey(**sound | changes)


def _kernel(version: str = "6.12.30", **options: str) -> KernelImage:
    return KernelImage(
        version=version, configured=True, options=tuple(options.items()), evidence=Evidence()
    )


def _service(program: str, manager: str = "systemd", name: str = "thing") -> Service:
    return Service.model_validate(
        {"name": name, "manager": manager, "program": program, "evidence": Evidence()}
    )


def _weakness(setting: str, service: str = "thing") -> Weakness:
    return Weakness(setting=setting, service=service, value="yes", evidence=Evidence())


def _vulnerable(**changes: Any) -> VulnerableCopy:
    sound: dict[str, Any] = {
        "id": "CVE-2014-0160",
        "component": "openssl",
        "state": "affected",
        "severity": "",
        "exploited": "",
        "epss": 0.1,
        "fixed_in": "1.0.1g",
        "release": "1.0.1e",
        "contradiction": "",
        "evidence": (Evidence(),),
    }
    return VulnerableCopy(**sound | changes)


def _support(**changes: Any) -> SupportedCopy:
    sound: dict[str, Any] = {
        "component": "openssl",
        "series": "3.5",
        "release": "3.5.1",
        "supported": True,
        "ends": "2030-04-08",
        "ended_days": 0,
        "before_product": False,
        "behind_months": 3,
        "evidence": (Evidence(),),
    }
    return SupportedCopy(**sound | changes)


def _credential(category: str) -> Credential:
    return Credential(category=category, seal="", evidence=Evidence())


_ELF = {"kind": Kind.ELF}
_SHARE = "unsafe_share"
EXAMPLES: dict[str, Example] = {
    "accounts.empty_password": Example(_account(password="empty")),
    "accounts.default_password": Example(
        _account(password="hash", scheme="sha512crypt", weak=True)
    ),
    "accounts.built_in_password": Example(_account(password="hash", scheme="sha512crypt")),
    "accounts.plain_password": Example(_account(password="plain")),
    "accounts.weak_hash": Example(_account(password="hash", scheme="md5crypt")),
    "accounts.hash_for_all_to_read": Example(_account(password="hash"), {"path": "etc/passwd"}),
    "accounts.second_root": Example(_account(uid=0, password="elsewhere")),
    "calls.strcpy": Example(_calls(strcpy=15, strcat=5)),
    "calls.strcpy_many": Example(_calls(strcpy=100)),
    "calls.sprintf": Example(_calls(sprintf=20)),
    "calls.sprintf_many": Example(_calls(vsprintf=100)),
    "calls.gets": Example(_calls(gets=1)),
    "calls.temporary_names": Example(_calls(mktemp=1)),
    "calls.shell": Example(_calls(popen=3, system=10)),
    "calls.predictable_random": Example(_calls(rand=1)),
    "calls.safe_in_name_only": Example(_calls(SAFE_LIBRARY_memcpy=2)),
    "calls.strcpy_share": Example(measures={f"calls.strcpy_like.{_SHARE}": 0.22}),
    "calls.sprintf_share": Example(measures={f"calls.sprintf_like.{_SHARE}": 0.1}),
    "calls.memcpy_share": Example(measures={f"calls.memcpy_like.{_SHARE}": 0.6}),
    "calls.little_measured": Example(measures={"calls.measured.share": 0.5}),
    "certificates.weak_key": Example(_certificate(key_bits=1024)),
    "certificates.weak_hash": Example(_certificate(signature_hash="sha1")),
    "certificates.expired": Example(_certificate(not_after="2026-11-23T00:00:00Z")),
    "certificates.expired_authority": Example(
        _certificate(not_after="2026-11-23T00:00:00Z", ca=True)
    ),
    "certificates.expiring": Example(_certificate(not_after="2027-01-01T00:00:00Z")),
    "certificates.authority_with_key": Example(
        _key(public="5" * 64), beside=_certificate(ca=True, public="5" * 64)
    ),
    "certificates.own_authority": Example(_certificate(ca=True, self_signed=True), _ELF),
    "certificates.self_signed": Example(_certificate(self_signed=True)),
    "components.several_versions": Example(measures={"components.several_versions": 1}),
    "components.remote_login": Example(file={"path": "usr/sbin/in.telnetd", **_ELF}),
    "filesystem.setuid_writable": Example(file={"mode": 0o4757, **_ELF}),
    "filesystem.writable_program": Example(file={"mode": 0o757, **_ELF}),
    "filesystem.world_writable": Example(file={"mode": 0o666}),
    "filesystem.world_writable_directory": Example(
        file={"mode": 0o777, "kind": Kind.DIRECTORY, "sha256": ""}
    ),
    "filesystem.secrets_for_all_to_read": Example(file={"path": "etc/shadow", "mode": 0o644}),
    "filesystem.setuid": Example(file={"path": "usr/bin/fixit", "mode": 0o4755, **_ELF}),
    "filesystem.capability": Example(
        file={"path": "usr/bin/fixit", "capabilities": ("cap_sys_admin",), **_ELF}
    ),
    "filesystem.setuid_script": Example(file={"mode": 0o4755, "kind": Kind.SCRIPT}),
    "filesystem.setgid": Example(file={"path": "usr/bin/fixit", "mode": 0o2755, **_ELF}),
    "filesystem.debugger": Example(file={"path": "usr/bin/gdb", **_ELF}),
    "filesystem.memory_access": Example(file={"path": "sbin/devmem2", **_ELF}),
    "filesystem.capture_tool": Example(file={"path": "usr/sbin/tcpdump", **_ELF}),
    "filesystem.network_tool": Example(file={"path": "bin/nc.traditional", **_ELF}),
    "filesystem.compiler": Example(file={"path": "usr/bin/arm-linux-gnueabihf-gcc-12", **_ELF}),
    "filesystem.build_leftovers": Example(file={"path": "usr/lib/libthing.a"}),
    "filesystem.core_dump": Example(_executable("core"), _ELF),
    "filesystem.version_control": Example(file={"path": "www/.git/HEAD"}),
    "filesystem.history": Example(file={"path": "root/.bash_history"}),
    "filesystem.device_node": Example(
        file={"path": "opt/mem", "kind": Kind.DEVICE, "mode": 0o600, "sha256": ""}
    ),
    "filesystem.outward_links": Example(measures={"files.outward_links": 2}),
    "hardening.pie": Example(_executable(hardening={"pie": False}), _ELF),
    "hardening.nx": Example(_executable("library", hardening={"nx": False}), _ELF),
    "hardening.relro_none": Example(_executable(hardening={"relro": "none"}), _ELF),
    "hardening.relro_partial": Example(measures={"hardening.relro_full.share": 0.9}),
    "hardening.canary": Example(_executable(hardening={"canary": False}), _ELF),
    "hardening.fortify": Example(_executable(hardening={"fortify": False, "fortified": 0}), _ELF),
    "hardening.text_relocations": Example(
        _executable("library", hardening={"text_relocations": True}), _ELF
    ),
    "hardening.search_path": Example(_executable(hardening={"rpath": ("/home/build/lib",)}), _ELF),
    "hardening.debug_info": Example(_executable(debug_info=True), _ELF),
    "hardening.old_compiler": Example(
        _executable(compilers=("GCC: (OpenWrt GCC 7.3.0 r7360) 7.3.0",)), _ELF
    ),
    "hardening.branch_targets": Example(measures={"hardening.bti.share": 0.0}),
    "intake.closed": Example(region={"format": "jffs2"}),
    "intake.opaque": Example(region={"size": 100_000, "entropy": 7.99}),
    "intake.unknown_data": Example(
        region={"size": 2_000_000, "entropy": 5.5, "guess": Guess.CODE_OR_DATA}
    ),
    "intake.little_understood": Example(measures={"intake.understood.share": 0.5}),
    "kernel.ended_long_ago": Example(_kernel("3.3.8")),
    "kernel.ended": Example(_kernel("4.19.325")),
    "kernel.module_unsigned": Example(
        KernelModule(name="thing", vermagic="6.12.30 SMP", signed=False), _ELF
    ),
    "kernel.module_signatures_not_enforced": Example(_kernel(MODULES="y", MODULE_SIG="n")),
    "kernel.memory_not_protected": Example(_kernel(STRICT_KERNEL_RWX="n")),
    "kernel.no_stack_protector": Example(_kernel(STACKPROTECTOR="n")),
    "kernel.fixed_address": Example(_kernel(RANDOMIZE_BASE="n")),
    "kernel.physical_memory": Example(_kernel(DEVMEM="y", STRICT_DEVMEM="n")),
    "kernel.copies_unchecked": Example(_kernel(HARDENED_USERCOPY="n")),
    "kernel.heap_not_hardened": Example(_kernel(SLAB_FREELIST_RANDOM="n")),
    "kernel.stack_not_guarded": Example(_kernel(VMAP_STACK="n")),
    "kernel.no_seccomp": Example(_kernel(SECCOMP="n")),
    "kernel.user_memory_reachable": Example(_kernel(CPU_SW_DOMAIN_PAN="n")),
    "kernel.no_page_table_isolation": Example(_kernel(PAGE_TABLE_ISOLATION="n")),
    "kernel.null_mapping": Example(_kernel(DEFAULT_MMAP_MIN_ADDR="0")),
    "kernel.unprivileged_bpf": Example(_kernel(BPF_UNPRIV_DEFAULT_OFF="n")),
    "kernel.debugger": Example(_kernel(KGDB="y")),
    "lifecycle.ended_long_ago": Example(_support(supported=False, ended_days=1200)),
    "lifecycle.ended": Example(_support(supported=False, ended_days=78)),
    "lifecycle.ends_before_product": Example(_support(before_product=True)),
    "lifecycle.far_behind": Example(_support(behind_months=30)),
    "vulnerabilities.exploited": Example(_vulnerable(exploited="2022-05-04")),
    "vulnerabilities.exploited_possibly": Example(
        _vulnerable(state="possibly", exploited="2022-05-04")
    ),
    "vulnerabilities.critical": Example(_vulnerable(severity="critical")),
    "vulnerabilities.high": Example(_vulnerable(severity="high")),
    "vulnerabilities.other": Example(_vulnerable(severity="medium")),
    "vulnerabilities.contradicted": Example(
        _vulnerable(contradiction="openssl 1.0.1e was found in bin/x")
    ),
    "vulnerabilities.not_covered": Example(
        measures={"vulnerabilities.not_covered": ("zlib", "tcpdump")}
    ),
    "secrets.private_key": Example(_key()),
    "secrets.private_key_in_program": Example(_key(format="der"), _ELF),
    "secrets.encrypted_key": Example(_key(encrypted=True)),
    "secrets.shared_key": Example(_key(format="openvpn-static", algorithm="openvpn")),
    "secrets.small_key": Example(_key(bits=1024)),
    "secrets.key_for_all_to_read": Example(_key(), {"mode": 0o644}),
    "secrets.credential": Example(_credential("wifi-psk")),
    "secrets.credential_generic": Example(_credential("generic-password")),
    "secrets.community": Example(_credential("snmp-community")),
    "secrets.authorized_key": Example(
        AuthorizedKey(algorithm="ssh-ed25519", public="ab" * 32, evidence=Evidence())
    ),
    "services.telnet": Example(_service("/usr/sbin/in.telnetd -h", "xinetd", "telnet")),
    "services.remote_shell": Example(_service("/usr/sbin/in.rlogind", "xinetd")),
    "services.file_transfer": Example(_service("/usr/sbin/vsftpd /etc/vsftpd.conf")),
    "services.debug_server": Example(_service("/usr/bin/gdbserver :1234 /bin/app", "rc")),
    "services.shell_listener": Example(_service("nc -l -p 4444 -e /bin/sh", "rc")),
    "services.plain_download": Example(_service("wget -O- http://updates.example/run", "cron")),
    "services.upnp": Example(_service("/usr/sbin/miniupnpd -f /etc/miniupnpd.conf", "procd")),
    "services.small_servers": Example(_service("internal", "inetd", "chargen")),
} | {
    entry["id"]: Example(_weakness(_quoted(entry["when"])[0]))
    for entry in ENTRIES
    if entry["over"] == "weakness"
}

SOUND: dict[str, Example] = {
    "account": Example(_account(), {"path": "etc/shadow", "mode": 0o600}),
    "root": Example(_account(user="root", uid=0, password="elsewhere"), {"path": "etc/passwd"}),
    "calls": Example(_calls(strcpy=19, sprintf=19, snprintf=500, strlcpy=500, system=9)),
    "authority": Example(_certificate(ca=True, self_signed=True, signature_hash="sha1")),
    "certificate": Example(_certificate()),
    "component": Example(ComponentSighting(name="zlib", purl="", method="soname", confidence=0.5)),
    "program": Example(_executable(), {"path": "usr/bin/thing", "mode": 0o755, **_ELF}),
    "library": Example(_executable("library", hardening={"pie": None}), _ELF),
    "module without libc": Example(
        _executable("module", hardening={"pie": None, "nx": None}), _ELF
    ),
    "nothing measured": Example(
        _executable(hardening=dict.fromkeys(("pie", "nx", "relro", "canary", "fortify"))), _ELF
    ),
    "module": Example(KernelModule(name="thing", vermagic="6.12.30 SMP", signed=True), _ELF),
    "kernel": Example(_kernel(STRICT_KERNEL_RWX="y", DEVMEM="n", STRICT_DEVMEM="n", MODULES="n")),
    "kernels with support": Example(_kernel("6.1.183")),
    "5.10 until its end": Example(_kernel("5.10.265")),
    "7.1": Example(_kernel("7.1.9")),
    "supported component": Example(_support()),
    "kernels' support has rules of its own": Example(
        _support(component="linux", supported=False, ended_days=2000)
    ),
    "possible, not exploited": Example(_vulnerable(state="possibly", severity="critical")),
    "all covered": Example(measures={"vulnerabilities.not_covered": ()}),
    "service": Example(_service("/usr/sbin/dropbear -R", "procd", "dropbear")),
    "download over TLS": Example(_service("curl https://updates.example/list", "cron")),
    "telnet client": Example(_service("/usr/bin/telnet 127.0.0.1 25", "cron", "watch")),
    "su": Example(file={"path": "bin/su", "mode": 0o4755, **_ELF}),
    "tmp": Example(file={"path": "tmp", "mode": 0o1777, "kind": Kind.DIRECTORY, "sha256": ""}),
    "link": Example(file={"mode": 0o777, "kind": Kind.SYMLINK, "sha256": "", "target": "x"}),
    "busybox applet": Example(file={"path": "usr/bin/nc", "kind": Kind.SYMLINK, "sha256": ""}),
    "console": Example(
        file={"path": "dev/console", "kind": Kind.DEVICE, "mode": 0o622, "sha256": ""}
    ),
    "unknown mode": Example(_key(encrypted=True), {"mode": None, "path": "etc/shadow"}),
    "understood": Example(region={"format": "squashfs", "understood": True}),
    "padding": Example(region={"size": 5_000_000, "guess": Guess.PADDING, "understood": True}),
    "small rest": Example(region={"size": 4096, "entropy": 7.99}),
}
SOUND_EXCEPT = {"unknown mode": {"secrets.encrypted_key"}}


@pytest.fixture(scope="module")
def rules() -> tuple[Rule, ...]:
    return load_rules()


@pytest.fixture(scope="module")
def classes() -> FunctionClasses:
    return knowledge_base().functions


def _findings(
    example: Example, rules: tuple[Rule, ...], classes: FunctionClasses
) -> tuple[Finding, ...]:
    sound: dict[str, Any] = {
        "path": "etc/thing",
        "kind": Kind.TEXT,
        "sha256": "ef" * 32,
        "size": 10,
        "mode": 0o600,
    }
    file = File(**sound | example.file)
    facts: Facts = gather(
        Tree(sha256="00" * 32, size=1, files=(file,), regions=_regions(example)),
        [Examined(file=file, examiner="test", outcome=Ran(observations=_facts(example)))],
        classes,
        AS_OF,
    )
    if isinstance(example.fact, SupportedCopy | VulnerableCopy):
        known = {type(example.fact): (Sighting(file, example.fact),)}
        facts = replace(facts, sightings={**facts.sightings, **known})
    unmeasured: dict[str, Value] = {measure.info.name: None for measure in MEASURES}
    return find(rules, facts, unmeasured | example.measures)


def _facts(example: Example) -> tuple[Observation, ...]:
    facts = (example.fact, example.beside)
    return tuple(
        fact for fact in facts if fact and not isinstance(fact, SupportedCopy | VulnerableCopy)
    )


def _regions(example: Example) -> tuple[Region, ...]:
    if example.region is None:
        return ()
    sound: dict[str, Any] = {"path": "", "offset": 0, "size": 10, "understood": False}
    return (Region(**sound | example.region),)


def test_every_rule_has_an_example() -> None:
    assert sorted(EXAMPLES) == sorted(entry["id"] for entry in ENTRIES)


@by_rule
def test_rule_applies_to_its_example(
    entry: dict[str, Any], rules: tuple[Rule, ...], classes: FunctionClasses
) -> None:
    found = {one.rule: one for one in _findings(EXAMPLES[entry["id"]], rules, classes)}
    assert entry["id"] in found
    finding = found[entry["id"]]
    assert finding.title.startswith(entry["title"])
    if "subject" in entry:
        assert finding.title.startswith(f"{entry['title']}: "), "the subject gave no text"


@pytest.mark.parametrize("name", SOUND)
def test_no_rule_applies_to_what_is_sound(
    name: str, rules: tuple[Rule, ...], classes: FunctionClasses
) -> None:
    found = {one.rule for one in _findings(SOUND[name], rules, classes)}
    assert found == SOUND_EXCEPT.get(name, set())


def test_series_without_support_are_told_by_the_day(
    rules: tuple[Rule, ...], classes: FunctionClasses
) -> None:
    ended = {"4.4.302", "4.9.337", "4.20.17", "5.4.302", "5.19.17", "6.0.19", "6.11.11", "7.0.14"}
    alive = {"5.10.265", "5.15.216", "6.1.183", "6.6.152", "6.12.104", "6.18.45", "7.1.9", "7.2.0"}
    told = {
        version
        for version in ended | alive
        if any(
            one.rule.startswith("kernel.ended")
            for one in _findings(Example(_kernel(version)), rules, classes)
        )
    }
    assert told == ended


def test_fingerprint_stays_when_file_moves_and_version_rises(
    rules: tuple[Rule, ...], classes: FunctionClasses
) -> None:
    fact = _executable("library", hardening={"relro": "none"})
    old, new = (
        _findings(Example(fact, {"path": path, **_ELF}), rules, classes)
        for path in ("usr/lib/libssl.so.1.1", "opt/vendor/lib/libssl.so.3")
    )
    assert [one.fingerprint for one in old] == [one.fingerprint for one in new]
