"""Which release is newer: against dpkg, OpenSSL's published order, and the laws of an order."""

import itertools
import random
import shutil
import subprocess
from string import ascii_lowercase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.knowledge.versions import Key, compare, key, plain_key, scheme_of

# openssl.org, "Old releases": in the order of their days within each series.
OPENSSL_1_0_2 = ["1.0.2-beta1", "1.0.2-beta3", "1.0.2"]
OPENSSL_1_0_2 += [f"1.0.2{letter}" for letter in ascii_lowercase[:21]]
OPENSSL_1_0_2 += ["1.0.2v", "1.0.2w", "1.0.2x", "1.0.2y", "1.0.2z", "1.0.2za", "1.0.2zf", "1.0.2zg"]
OPENSSL_SERIES = ["0.9.6", "0.9.7-beta3", "0.9.7", "0.9.8", "0.9.8z", "0.9.8za", "0.9.8zh", "1.0.0"]
OPENSSL_SERIES += ["1.0.1g", "1.0.2", "1.1.0", "1.1.0l", "1.1.1", "1.1.1w", "3.0.0-alpha1"]
OPENSSL_SERIES += ["3.0.0-beta2", "3.0.0", "3.0.9", "3.0.14", "3.1.0", "3.5.0", "4.0.0"]
ORDERS = {
    "openssl": [OPENSSL_1_0_2, OPENSSL_SERIES],
    "openssh": [["8.9p1", "9.2p1", "9.3", "9.3p1", "9.3p2", "9.4p1", "10.0p1"]],
    "sudo": [["1.8.31", "1.8.31p2", "1.8.32", "1.9.5", "1.9.5p1", "1.9.5p2", "1.9.6"]],
    "ntp": [["4.2.6", "4.2.8", "4.2.8p9", "4.2.8p15", "4.4.0"]],
    "linux": [["4.19.325", "5.10-rc7", "5.10", "5.10.1", "5.10.160", "5.11", "6.6.17", "6.6.20"]],
    "bind": [["9.4.0a1", "9.4.0b2", "9.4.0rc1", "9.4.0", "9.4.0-P1", "9.4.1"]],
    "thttpd": [["2.25", "2.25b", "2.26"]],
    "dropbear": [["0.52", "0.53.1", "2011.54", "2019.78", "2020.81", "2022.83"]],
    "libpng": [["1.4.0beta01", "1.4.0rc02", "1.4.0", "1.6.37"]],
    "boa": [["0.94.13", "0.94.14rc21", "0.94.14"]],
}


@pytest.mark.parametrize(("component", "order"), [(c, o) for c in ORDERS for o in ORDERS[c]])
def test_published_order(component: str, order: list[str]) -> None:
    for older, newer in itertools.combinations(order, 2):
        assert compare(component, older, newer) == -1, (older, newer)
        assert compare(component, newer, older) == 1, (older, newer)
    shuffled = random.Random(7).sample(order, len(order))
    assert sorted(shuffled, key=lambda one: key(component, one) or Key("", "")) == order


@pytest.mark.parametrize(
    ("one", "other"),
    [("1.0", "1.0.0"), ("v2.86", "2.86"), ("1.9.5p2", "1.9.5patch2"), ("6.0~rc1", "6.0-rc1")],
)
def test_same_release_in_two_spellings(one: str, other: str) -> None:
    assert compare("anything", one, other) == 0


def test_marks_of_a_build_are_no_part_of_the_version() -> None:
    assert compare("openssl", "1.0.2k-fips", "1.0.2k") == 0
    assert compare("openssl", "1.0.2k-fips", "1.0.2l") == -1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "n/a",
        "unknown",
        "1da177e4c3f4",
        "a" * 500,
        "٣.١",
        "20dba06bd1a3cf260612d4f21547c25002121cd5",
    ],
)
def test_what_is_no_version_has_no_place(text: str) -> None:
    assert key("linux", text) is None
    assert compare("linux", text, "6.6") is None


def test_schemes_come_from_the_ecosystem() -> None:
    assert scheme_of("curl", "Debian:12") == "deb"
    assert scheme_of("requests", "PyPI") == "pypi"
    assert scheme_of("curl", "Alpine:v3.18") == "alpine"
    assert scheme_of("openssl") == "openssl"
    assert scheme_of("openssl", "Debian:12") == "deb"
    assert compare("x", "1.0.post1", "1.0", "PyPI") == 1
    assert compare("x", "1.2.3-beta", "1.2.3", "npm") == -1


DEBIAN = [
    "1.0-1",
    "1.0-1+deb12u1",
    "1.0-1~deb12u1",
    "1:0.9-1",
    "1.0-1.1",
    "1.0~rc1-1",
    "1.0+dfsg-1",
]
DEBIAN += ["3.0.15-1~deb12u1", "3.0.14-1~deb12u2", "7.88.1-10+deb12u5", "7.88.1-10+deb12u12"]
DEBIAN += [
    "2:1.35.0-4+b1",
    "1.35.0-4",
    "9.2p1-2+deb12u2",
    "1:9.2p1-2+deb12u2",
    "1.0.2zg-1",
    "0",
    "10",
]


@pytest.mark.skipif(shutil.which("dpkg") is None, reason="dpkg decides")
def test_debian_versions_as_dpkg_orders_them() -> None:
    for one, other in itertools.combinations(DEBIAN, 2):
        wanted = next(
            sign
            for word, sign in (("lt", -1), ("eq", 0), ("gt", 1))
            if not subprocess.run(
                ["dpkg", "--compare-versions", one, word, other], check=False
            ).returncode
        )
        assert compare("x", one, other, "Debian:12") == wanted, (one, other)


NUMBERS = st.lists(st.integers(0, 300), min_size=1, max_size=4).map(
    lambda parts: ".".join(str(part) for part in parts)
)
SUFFIXES = st.sampled_from(
    [
        "",
        "a",
        "z",
        "za",
        "zg",
        "p1",
        "p12",
        "-rc1",
        "-rc10",
        "~rc2",
        "beta01",
        "-P1",
        "-ESV-R4-P1",
        "b",
    ]
)
VERSIONS = st.builds("{}{}".format, NUMBERS, SUFFIXES)


@given(VERSIONS, VERSIONS, VERSIONS)
def test_plain_versions_are_totally_ordered(one: str, two: str, three: str) -> None:
    first, second, third = key("x", one), key("x", two), key("x", three)
    assert first is not None
    assert second is not None
    assert third is not None
    assert (first < second) + (second < first) + (first == second) == 1
    if first < second < third:
        assert first < third
    if first == second:
        assert hash(first) == hash(second) or one != two
        assert (first < third) == (second < third)


@given(st.sampled_from([*OPENSSL_1_0_2, *OPENSSL_SERIES]), st.sampled_from(OPENSSL_SERIES))
def test_openssl_versions_are_antisymmetric(one: str, two: str) -> None:
    forth, back = compare("openssl", one, two), compare("openssl", two, one)
    assert forth is not None
    assert back == -forth


@given(st.text(max_size=60))
def test_no_text_breaks_the_comparator(text: str) -> None:
    for component in ("openssl", "linux", "x"):
        found = key(component, text)
        assert found is None or found == found  # noqa: PLR0124
        compare(component, text, "1.0")
    for ecosystem in ("Debian", "PyPI", "npm", "Alpine", "Maven", "Go", "NuGet", "Red Hat"):
        compare("x", text, "1.0", ecosystem)


@given(NUMBERS)
def test_numbers_count_by_value(numbers: str) -> None:
    padded = ".".join(f"0{part}" for part in numbers.split("."))
    assert plain_key(padded) == plain_key(numbers)
