"""Recipes: which upstream repository a component is read from, and how its releases are tagged."""

import re
from functools import cached_property
from importlib import resources
from string import Formatter

import yaml
from packageurl import PackageURL
from pydantic import Field, ValidationError, field_validator

from assay.knowledge.signatures.versions import is_early
from assay.model.base import Frozen
from assay.model.errors import DataError

_SHIPPED = "recipes.yaml"

_SOURCES = (
    ".c .h .cc .cpp .cxx .hh .hpp .hxx .c++ .inc .in .def .ipp .tpp .tcc .y .l .yy .ll .re .rl .S "
    ".s .pl .gperf .tbl .tab .x .defs .opt .src .pm .xs"
).split()
_CODE = (".c", ".cc", ".cpp", ".cxx", ".c++", ".y", ".l", ".yy", ".ll", ".re", ".rl", ".in", ".src")

# What no build of a component for a device takes in.
_NOT_BUILT = re.compile(
    r"(?i)(?:^|/)(?:[\w.-]*[-_.])?(?:tests?|t|testing|testsuite|testcases?|unittests?|selftests?|"
    r"regress|examples?|samples?|demos?|docs?|documentation|fuzz|fuzzing|fuzzers?|ossfuzz|"
    r"bench|benchmarks?|perf|po|locale|vms|win32|win|windows|msdos|dos|os2|amiga|macos|symbian|"
    r"visualc|vc\w*|cmake|m4|autom4te.cache|debian|rpm|packaging|\.github|\.git)/"
)
_TEST_FILE = re.compile(
    r"(?i)(?:^|/)(?:(?:test|tst|bug|fuzz|bench|example|check|unit)[-_.][^/]*|"
    r"[^/]*[-_.](?:test|tests|unittest|fuzz|fuzzer|bench|example|demo)\.\w+|test\w?\.c)$"
)
# Other components that are often shipped within one.
_BUNDLED = re.compile(
    r"(?i)(?:^|/)(?:lib)?(?:zlib|bzip2|lz4|zstd|xz|lzma|lzo|minilzo|expat|pcre2?|lua|luajit|sqlite3?|"
    r"mbedtls|polarssl|axtls|tomcrypt|tommath|cjson|json-c|jansson|yaml|ev|uv|event|popt|lwip|"
    r"c-ares|cares|nghttp2|protobuf|protobuf-c|tinycrypt|openssl|boringssl|libressl|wolfssl|"
    r"jpeg|png|tiff|freetype|heimdal|talloc|tdb|tevent|ldb|readline|ncurses|termcap|gnulib|"
    r"curl|ffi|unistring|libtasn1|minitasn1|srtp|speex|gsm|ilbc|webrtc|portaudio|openh264|"
    r"jemalloc|mpdecimal|libtextstyle|gettext|intl|argp)(?:[-_.]?[0-9.]+)?(?:-src|-amalgamation)?/"
)

# Files that GNU programs and many others copy: of gnulib, of BSD's and glibc's libc.
_COPIED = re.compile(
    r"(?i)(?:^|/)(?:gl|gllib|gnulib[^/]*|libgnu|compat|openbsd-compat|libreplace|replace)/|"
    r"(?:^|/)(?:getopt\w*|my_getopt|version-etc\S*|regcomp|regexec|regex\w*|obstack|quotearg|xalloc\S*|"
    r"xmalloc|error|argmatch|closeout|close-stdout|strsignal|siglist|fnmatch\w*|glob|argp-\S*|argp|"
    r"progname|openat-die|getdate|parse-datetime|mktime|vasnprintf|printf-parse|strerror|"
    r"strlcpy|strlcat|snprintf|vsnprintf|inet_\w+|rijndael\S*|sha[0-9]+|md[45]|des|crc32|sd-daemon|"
    r"queue|tree|sys-queue|minilzo|sqlite3|cJSON|jsmn|uthash|utlist|yajl\S*|tdb|lookup3|"
    r"xxhash|fastlz|miniz|puff|base64)\.(?:[chyl]|in\.h|h\.in)$"
)


class Tags(Frozen):
    """How tags name releases: all of a tag matches `pattern`; `gives` is filled with its groups."""

    pattern: str
    gives: str = "{0}"

    @field_validator("pattern")
    @classmethod
    def _regex(cls, pattern: str) -> str:
        re.compile(pattern)
        return pattern

    @field_validator("gives")
    @classmethod
    def _plain(cls, gives: str) -> str:
        for _, name, form, conversion in Formatter().parse(gives):
            if name is not None and (not name.isdigit() or form or conversion):
                raise ValueError(f"gives: {gives!r}: only {{0}}, {{1}} … are allowed")
        return gives

    def version(self, tag: str) -> str | None:
        """The version that a tag names; `_` and `-` between numbers are dots."""
        match = re.fullmatch(self.pattern, tag)
        if match is None:
            return None
        given = self.gives.format(*(group or "" for group in match.groups()))
        return re.sub(r"(?<=[0-9])[_-](?=[0-9])", ".", given)


class Recipe(Frozen):
    """How a component's signature is made.

    `repository` is `owner/name` of the upstream repository or of a mirror or fork with the same
    tags. `folder` is the component's own folder in it; `only` and `left_out` are regular
    expressions over paths from there. `core` are folders that a full copy has most of (all, where
    empty). Components of one `family` are forks of each other and may share text. `bundled` keeps
    folders that look like copies of other components, `own` files that look like those of gnulib
    or a libc. `early` keeps pre-releases.
    """

    name: str
    repository: str = ""
    purl: str = ""
    tags: tuple[Tags, ...] = ()
    folder: str = ""
    only: str = ""
    left_out: str = ""
    core: tuple[str, ...] = ()
    family: str = ""
    bundled: bool = False
    own: bool = False
    early: bool = False

    @field_validator("only", "left_out")
    @classmethod
    def _regex(cls, pattern: str) -> str:
        re.compile(pattern)
        return pattern

    @cached_property
    def _forms(self) -> tuple[Tags, ...]:
        if self.tags:
            return self.tags
        names = {re.escape(self.name), re.escape(self.repository.rpartition("/")[2])} - {""}
        return (
            Tags(
                pattern=rf"(?i)(?:(?:{'|'.join(sorted(names))})[-_.]?)?"
                r"(?:v|version|release|rel|ver|r)?[-_./]?"
                r"([0-9]+(?:[._-][0-9]+)*(?:[a-z]|[-_.]?p[0-9]+)?)(?:[-_.](?:release|final|stable))?"
            ),
        )

    def version(self, tag: str) -> str | None:
        """The release that a tag names, None where it names none that is wanted."""
        for form in self._forms:
            if version := form.version(tag):
                return version if self.early or not is_early(version) else None
        return None

    def wanted(self, path: str) -> bool:
        """Whether a file, or (with a slash at its end) a folder, is looked into."""
        if _NOT_BUILT.search(path) or (not self.bundled and _BUNDLED.search(path)):
            return False
        if not self.own and _COPIED.search(path):
            return False
        if self.left_out and re.search(self.left_out, path):
            return False
        if path.endswith("/"):
            return True
        if self.only and not re.search(self.only, path):
            return False
        return path.endswith(tuple(_SOURCES)) and not _TEST_FILE.search(path)

    def purl_of(self, version: str) -> str:
        """The package URL of a release; without a version, of the component."""
        base = PackageURL.from_string(self.purl or f"pkg:generic/{self.name}")
        return base._replace(version=version or None).to_string()


class Recipes(Frozen):
    """All recipes."""

    version: str
    components: tuple[Recipe, ...] = Field(min_length=1)

    def of(self, name: str) -> Recipe | None:
        """A component's recipe."""
        return next((one for one in self.components if one.name == name), None)


def is_code(path: str) -> bool:
    """Whether a file defines functions (a header declares those of others)."""
    return path.endswith(_CODE)


def load_recipes() -> Recipes:
    """The shipped recipes.

    Raises:
        DataError: the file is malformed; names the entry.
    """
    data = resources.files("assay.knowledge").joinpath("data", _SHIPPED)
    return parse_recipes(data.read_text("utf-8"), _SHIPPED)


def parse_recipes(text: str, origin: str) -> Recipes:
    """Read recipes. `origin` names them in errors.

    Raises:
        DataError: not YAML, an unknown key, a pattern that is none, a name given twice.
    """
    try:
        found = Recipes.model_validate(yaml.safe_load(text))
    except (yaml.YAMLError, RecursionError, ValidationError, re.error) as error:
        raise DataError(f"{origin}: {error}") from error
    names = [one.name for one in found.components]
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise DataError(f"{origin}: {twice} is named by two entries")
    return found
