"""Measures of secrets, accounts, services, kernel and components."""

from collections.abc import Callable
from datetime import UTC, datetime

from assay.assess.facts import Facts
from assay.assess.measures.contract import Measure, Unknown, measure
from assay.model.evaluation import CertifiedKey
from assay.model.measure import Unit, Value
from assay.model.observations import (
    Account,
    AuthorizedKey,
    Certificate,
    ComponentSighting,
    Credential,
    KernelImage,
    PrivateKey,
    Service,
    Weakness,
)

_WEAK_HASHES = frozenset({"md2", "md4", "md5", "sha1"})
_WEAK_SCHEMES = frozenset(
    {"descrypt", "des", "bsdicrypt", "md5crypt", "apr1", "lanman", "nt", "nthash"}
)
_OWN_NAMES = frozenset({"npm", "pypi"})
_SMALLEST_RSA = 2048  # NIST SP 800-131A Rev. 2

# The examiners whose observations are counted here, by their names.
_KEYS = ("keys",)
_CREDENTIALS = ("credentials",)
_CERTIFICATES = ("certificates",)
_ACCOUNTS = ("accounts",)
_SERVICES = ("services",)
_CONFIGURATION = ("configuration",)
_KERNEL = ("kernel",)
_COMPONENTS = ("components", "packages")


@measure("secrets.private_keys", Unit.COUNT, "private keys, each place counted", _KEYS)
def private_keys(facts: Facts) -> Value:
    return len(facts.of(PrivateKey))


@measure("secrets.unencrypted_private_keys", Unit.COUNT, "private keys without a passphrase", _KEYS)
def unencrypted_private_keys(facts: Facts) -> Value:
    return sum(not seen.fact.encrypted for seen in facts.of(PrivateKey))


@measure(
    "secrets.keys_with_certificate",
    Unit.COUNT,
    "private keys whose certificate stands in the image too",
    _KEYS,
)
def keys_with_certificate(facts: Facts) -> Value | Unknown:
    return _certified(facts, lambda key: True)


@measure(
    "certificates.authorities_with_key",
    Unit.COUNT,
    "private keys of certificate authorities, the authority's certificate in the image too",
    _KEYS,
)
def authorities_with_key(facts: Facts) -> Value | Unknown:
    return _certified(facts, lambda key: key.authority)


def _certified(facts: Facts, counted: Callable[[CertifiedKey], bool]) -> Value | Unknown:
    """Unknown where there are keys, but each hides its public half."""
    keys = [seen.fact for seen in facts.of(PrivateKey)]
    if keys and not any(key.public for key in keys):
        return Unknown("no private key tells its public half")
    return sum(counted(seen.fact) for seen in facts.of(CertifiedKey))


@measure(
    "secrets.credentials",
    Unit.COUNT,
    "passwords, tokens and shared keys that stand in files",
    _CREDENTIALS,
)
def credentials(facts: Facts) -> Value:
    return len(facts.of(Credential))


@measure("secrets.authorized_keys", Unit.COUNT, "public keys that may log in", _ACCOUNTS)
def authorized_keys(facts: Facts) -> Value:
    return len(facts.of(AuthorizedKey))


@measure("certificates.count", Unit.COUNT, "X.509 certificates, each place counted", _CERTIFICATES)
def certificates(facts: Facts) -> Value:
    return len(facts.of(Certificate))


@measure(
    "certificates.expired",
    Unit.COUNT,
    "certificates that are past their end on the day of the knowledge",
    _CERTIFICATES,
)
def expired(facts: Facts) -> Value:
    day = datetime.fromisoformat(facts.as_of).replace(tzinfo=UTC)
    return sum(_moment(seen.fact.not_after) < day for seen in facts.of(Certificate))


@measure(
    "certificates.weak",
    Unit.COUNT,
    "certificates with an RSA key below 2,048 bits or signed over MD5 or SHA-1",
    _CERTIFICATES,
)
def weak_certificates(facts: Facts) -> Value:
    return sum(_is_weak(seen.fact) for seen in facts.of(Certificate))


def _is_weak(certificate: Certificate) -> bool:
    small = certificate.key_algorithm.lower().startswith("rsa") and (
        certificate.key_bits is not None and certificate.key_bits < _SMALLEST_RSA
    )
    # A root's own signature is not what it is trusted for.
    weak_hash = certificate.signature_hash.lower() in _WEAK_HASHES and not certificate.self_signed
    return small or weak_hash


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@measure("accounts.count", Unit.COUNT, "accounts with a password or without need of one", _ACCOUNTS)
def accounts(facts: Facts) -> Value:
    return sum(seen.fact.password in ("hash", "empty", "plain") for seen in facts.of(Account))


@measure("accounts.empty_password", Unit.COUNT, "accounts that ask for no password", _ACCOUNTS)
def empty_password(facts: Facts) -> Value:
    return sum(seen.fact.password == "empty" for seen in facts.of(Account))  # noqa: S105 (a kind)


@measure(
    "accounts.default_password",
    Unit.COUNT,
    "accounts with a well-known default password",
    _ACCOUNTS,
)
def default_password(facts: Facts) -> Value:
    return sum(seen.fact.weak for seen in facts.of(Account))


@measure(
    "accounts.weak_hash", Unit.COUNT, "accounts whose password is under an obsolete hash", _ACCOUNTS
)
def weak_hash(facts: Facts) -> Value:
    return sum(seen.fact.scheme.lower() in _WEAK_SCHEMES for seen in facts.of(Account))


@measure("services.count", Unit.COUNT, "programs that start by themselves", _SERVICES)
def services(facts: Facts) -> Value:
    return len(facts.of(Service))


@measure("services.weaknesses", Unit.COUNT, "settings that weaken the system", _CONFIGURATION)
def weaknesses(facts: Facts) -> Value:
    return len(facts.of(Weakness))


@measure("kernel.versions", Unit.SET, "versions of the Linux kernels in the image", _KERNEL)
def kernel_versions(facts: Facts) -> Value:
    return tuple(sorted({seen.fact.version for seen in facts.of(KernelImage) if seen.fact.version}))


@measure("components.count", Unit.COUNT, "different third-party components", _COMPONENTS)
def components(facts: Facts) -> Value:
    return len({_identity(seen.fact) for seen in facts.of(ComponentSighting)})


@measure(
    "components.places",
    Unit.COUNT,
    "files in which a third-party component shows itself",
    _COMPONENTS,
)
def component_places(facts: Facts) -> Value:
    return len({(_identity(seen.fact), seen.file.path) for seen in facts.of(ComponentSighting)})


@measure(
    "components.several_versions",
    Unit.COUNT,
    "components that occur in more than one version",
    _COMPONENTS,
)
def several_versions(facts: Facts) -> Value:
    versions: dict[tuple[str, str], set[str]] = {}
    for seen in facts.of(ComponentSighting):
        if seen.fact.version:
            versions.setdefault(_identity(seen.fact), set()).add(seen.fact.version)
    return sum(len(found) > 1 for found in versions.values())


def _identity(component: ComponentSighting) -> tuple[str, str]:
    """Ecosystems with names of their own stand apart: PyPI's `redis` is not the server."""
    ecosystem = component.purl.removeprefix("pkg:").split("/", 1)[0]
    return (ecosystem if ecosystem in _OWN_NAMES else "", component.name)


MEASURES: tuple[Measure, ...] = (
    private_keys,
    unencrypted_private_keys,
    keys_with_certificate,
    credentials,
    authorized_keys,
    certificates,
    expired,
    weak_certificates,
    authorities_with_key,
    accounts,
    empty_password,
    default_password,
    weak_hash,
    services,
    weaknesses,
    kernel_versions,
    components,
    component_places,
    several_versions,
)
