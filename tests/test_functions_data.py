"""The lists of functions: complete against the standards, extensible, exact in their errors."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.examine.elf.protection import FORTIFIABLE
from assay.knowledge.functions import load_functions, parse_functions
from assay.model.errors import DataError
from assay.model.functions import Family, Safety
from tests import objdump_text
from tests.corpus import CorpusError, router

_CLASSES = load_functions().by_name()
_COPY, _STRING, _PRINT, _BANNED = Family
_SAFE, _BOUNDED, _UNSAFE = Safety

# ISO/IEC 9899:2011, Annex K: what copies to memory, strings and print buffers.
_ANNEX_K = {
    _COPY: "memcpy_s memmove_s wmemcpy_s wmemmove_s",
    _STRING: "strcpy_s strncpy_s strcat_s strncat_s wcscpy_s wcsncpy_s wcscat_s wcsncat_s",
    _PRINT: "sprintf_s snprintf_s vsprintf_s vsnprintf_s swprintf_s snwprintf_s vswprintf_s"
    " vsnwprintf_s",
}


@pytest.mark.parametrize("family", list(_ANNEX_K))
def test_all_of_annex_k_is_safe(family: Family) -> None:
    for name in _ANNEX_K[family].split():
        found = _CLASSES[name]
        assert (found.family, found.safety) == (family, _SAFE)
        assert "Annex K" in found.source


@pytest.mark.parametrize(
    ("family", "safety", "names"),
    [
        (_COPY, _UNSAFE, "memcpy memmove bcopy mempcpy wmemcpy wmemmove __aeabi_memcpy"),
        (_STRING, _UNSAFE, "strcpy strcat stpcpy wcscpy wcscat wcpcpy"),
        (_STRING, _BOUNDED, "strncpy strncat stpncpy wcsncpy wcsncat"),
        (_STRING, _SAFE, "strlcpy strlcat strscpy g_strlcpy wcslcpy"),
        (_PRINT, _UNSAFE, "sprintf vsprintf"),
        (_PRINT, _SAFE, "snprintf vsnprintf swprintf vswprintf scnprintf _snprintf_s"),
        (_PRINT, _BOUNDED, "_snprintf _vsnprintf"),
        (_BANNED, _UNSAFE, "gets strtok tmpnam tempnam mktemp system popen getwd"),
    ],
)
def test_classes_follow_the_definition(family: Family, safety: Safety, names: str) -> None:
    for name in names.split():
        assert (name, _CLASSES[name].family, _CLASSES[name].safety) == (name, family, safety)


@pytest.mark.parametrize(
    "name", ["strtok_r", "strtok_s", "asprintf", "strdup", "memset", "mkstemp"]
)
def test_what_has_no_destination_or_no_flaw_is_in_no_family(name: str) -> None:
    assert name not in _CLASSES


def test_vendor_wrappers_are_safe_by_name_and_say_that_they_may_be_hollow() -> None:
    found = _CLASSES["VOS_memcpy_s"]
    assert found.safety is _SAFE
    assert "without a check" in found.note


def test_every_function_names_its_source() -> None:
    assert len(_CLASSES) > 200
    for found in _CLASSES.values():
        assert len(found.source) > 10, found.name


def _twins() -> set[str]:
    """The functions of which a real C library exports checking twins."""
    try:
        root = router("amd64").root
    except CorpusError as error:
        pytest.skip(str(error))
    library = next(path for path in root.rglob("libc.so.6") if not path.is_symlink())
    table = objdump_text.run("readelf", "-W", "--dyn-syms", str(library))
    return set(re.findall(r" __([a-z0-9_]+)_chk@", table))


def test_checking_twins_of_the_c_library_are_known() -> None:
    twins = _twins()
    assert len(twins) > 60
    assert twins - FORTIFIABLE == {"fdelt"}, "fdelt is what FD_SET calls; it has no plain form"
    writes = re.compile(r"w?mem(p?cpy|move)|(st[rp]|wc[sp])n?(cpy|cat)|v?s[nw]?printf|v?swprintf")
    checked = {name for name in twins if writes.fullmatch(name)}
    assert len(checked) >= 20
    for name in checked:
        twin = _CLASSES[f"__{name}_chk"]
        assert twin.safety is _SAFE
        assert twin.family is _CLASSES[name].family


_OWN = """
version: "acme-3"
sources: {acme: "Acme coding rules, 4.2"}
memcpy_like:
  safe:
    - {source: acme, names: [AcmeCopy]}
  bounded:
    - {source: acme, note: Reviewed., names: [memcpy]}
"""


def test_a_file_of_ones_own_adds_and_replaces(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(_OWN)
    merged = load_functions(path)
    found = merged.by_name()
    assert merged.version == f"{load_functions().version}+acme-3"
    assert (found["AcmeCopy"].family, found["AcmeCopy"].safety) == (_COPY, _SAFE)
    assert found["AcmeCopy"].source == "Acme coding rules, 4.2"
    assert (found["memcpy"].safety, found["memcpy"].note) == (_BOUNDED, "Reviewed.")
    assert found.keys() == _CLASSES.keys() | {"AcmeCopy"}
    assert list(found) == sorted(found)


@pytest.mark.parametrize(
    ("text", "entry"),
    [
        ("version: [", "not YAML"),
        ("- a", "the file"),
        ("memcpy_like: {}", "version"),
        ('version: "1"\nstrange: {}', "strange"),
        ('version: "1"\nmemcpy_like: {perfect: []}', "memcpy_like.perfect"),
        ('version: "1"\nmemcpy_like: {safe: {a: b}}', "memcpy_like.safe"),
        ('version: "1"\nmemcpy_like: {safe: [{names: [a]}]}', "memcpy_like.safe, group 1: source"),
        ('version: "1"\nmemcpy_like: {safe: [{source: s}]}', "memcpy_like.safe, group 1: names"),
        ('version: "1"\nbanned: {unsafe: [{source: s, names: [3]}]}', "banned.unsafe, group 1: 3"),
        ('version: "1"\nbanned: {unsafe: [{source: s, names: [a], x: 1}]}', "unknown key x"),
        ('version: "1"\nbanned: {unsafe: [{source: s, names: [a, a]}]}', "a is listed twice"),
    ],
)
def test_errors_name_file_and_entry(tmp_path: Path, text: str, entry: str) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(text)
    with pytest.raises(DataError) as caught:
        load_functions(path)
    assert str(path) in str(caught.value)
    assert entry in str(caught.value)
    assert caught.value.hint


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "own.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=r"own\.yaml"):
        load_functions(path)


_YAML = st.recursive(
    st.none() | st.integers() | st.text(max_size=8) | st.sampled_from(["safe", "names", "a"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["version", "memcpy_like", "safe", "names", "source", "sources", "note"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(document=_YAML)
def test_any_document_is_a_list_or_an_error(document: object) -> None:
    said = "any.yaml"
    try:
        parse_functions(repr(document), "any.yaml")  # flow style is near enough to Python's
    except DataError as error:
        said = str(error)
    assert "any.yaml" in said
