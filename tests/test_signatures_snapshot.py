"""Signatures from tiny repositories, kept, read again, and refused where they are malformed."""

import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pygit2
import pytest

from assay.knowledge.signatures import Part, Signatures
from assay.knowledge.signatures.build import build_signature
from assay.knowledge.signatures.recipes import Recipe, Tags, load_recipes, parse_recipes
from assay.knowledge.signatures.selection import Bounds, select
from assay.knowledge.signatures.shelf import Shelf, build_snapshot
from assay.knowledge.signatures.signature import Signature, intervals
from assay.knowledge.signatures.snapshot import open_snapshot, pack, read_snapshot
from assay.knowledge.signatures.versions import is_early, version_key
from assay.model.errors import DataError, InputError

_WHO = pygit2.Signature("A", "a@example.org", 1_600_000_000, 0)
_COMMON = [
    b"the gadget could not be opened: %s",
    b"frobnication of %d items failed",
    b"please insert a gadget and try again",
    b"the left hand does not know the right",
]


def source(*sentences: bytes) -> bytes:
    return b"\n".join(b'void f%d(void) { say("%b"); }' % pair for pair in enumerate(sentences))


def tag(repository: pygit2.Repository, name: str, files: dict[str, bytes]) -> None:
    index = pygit2.Index()
    for path, content in files.items():
        blob = repository.create_blob(content)
        index.add(pygit2.IndexEntry(path, blob, pygit2.enums.FileMode.BLOB))
    tree = index.write_tree(repository)
    parents = [] if repository.is_empty else [repository.head.target]
    commit = repository.create_commit("HEAD", _WHO, _WHO, name, tree, parents)
    repository.create_reference(f"refs/tags/{name}", commit)


@pytest.fixture
def gadget(tmp_path: Path) -> Path:
    place = tmp_path / "gadget.git"
    repository = pygit2.init_repository(str(place), bare=True)
    docs = {"doc/example.c": source(b"only in the documentation"), "README": b'"no source"'}
    for version, own in (
        ("v1.0", b"this came with the first release"),
        ("v1.1-rc1", b"this is in no release at all"),
        ("v1.1", b"this came with the second release"),
        ("v1.10", b"this came with the third release"),
    ):
        files = {"src/gadget.c": source(*_COMMON), "src/own.c": source(own, *_COMMON[:1])}
        tag(repository, version, files | docs)
    return place


def signature(place: Path) -> Signature:
    return build_signature(Recipe(name="gadget"), [place])


def test_releases_are_in_their_order_without_early_ones(gadget: Path) -> None:
    releases = signature(gadget).about.releases
    assert [one.version for one in releases] == ["1.0", "1.1", "1.10"]
    assert {one.date for one in releases} == {"2020-09-13"}
    assert set(signature(gadget).paths) == {"src/gadget.c", "src/own.c"}


def test_equal_sources_give_equal_bytes(gadget: Path) -> None:
    assert pack([signature(gadget)]) == pack([signature(gadget)])


def test_no_text_of_the_source_is_in_the_snapshot(gadget: Path) -> None:
    content = pack([signature(gadget)])
    assert b"frobnication" not in content
    assert b"facts derived from public source" in content


def test_what_is_read_is_what_was_written(gadget: Path) -> None:
    made = signature(gadget)
    read = read_snapshot(pack([made]), "x", verify=True).signature(0)
    assert read.about == made.about
    assert read.paths == made.paths
    assert read.hashes.tolist() == made.hashes.tolist()
    assert release_sets(read) == release_sets(made)


def release_sets(one: Signature) -> list[list[list[int]]]:
    return [one.bounds[one.starts[s] : one.starts[s + 1]].tolist() for s in one.sets]


def test_tarballs_and_folders_give_the_same_features(gadget: Path, tmp_path: Path) -> None:
    folder = tmp_path / "gadget-1.0"
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "gadget.c").write_bytes(source(*_COMMON))
    archive = tmp_path / "gadget-1.1.tar.gz"
    with tarfile.open(archive, "w:gz") as packed:
        packed.add(folder, "gadget-1.1")
    made = build_signature(Recipe(name="gadget"), [folder, archive])
    assert [one.version for one in made.about.releases] == ["1.0", "1.1"]
    assert set(made.hashes.tolist()) <= set(signature(gadget).hashes.tolist())


def test_a_place_that_tells_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="neither a tarball nor a folder"):
        build_signature(Recipe(name="gadget"), [tmp_path / "gadget-1.0"])
    (tmp_path / "gadget").mkdir()
    with pytest.raises(InputError, match="tells no version"):
        build_signature(Recipe(name="gadget"), [tmp_path / "gadget"])


def test_a_feature_of_many_families_goes(gadget: Path, tmp_path: Path) -> None:
    made = [
        build_signature(
            Recipe(name=name, family=family, tags=(Tags(pattern="v([0-9.]+)"),)), [gadget]
        )
        for name, family in (("a", "x"), ("b", "x"), ("c", "y"))
    ]
    kept = select(made, Bounds(families=2))
    assert [len(one.hashes) for one in kept] == [len(one.hashes) for one in made]
    # All that a component has is shared, so it is one that others bundle, and keeps it.
    assert len(select(made, Bounds(families=1))[0].hashes) == len(made[0].hashes)


def test_the_heaviest_features_stay(gadget: Path) -> None:
    (kept,) = select([signature(gadget)], Bounds(features=5))
    assert len(kept.hashes) == 5


def test_a_binary_of_each_release_is_told(gadget: Path, tmp_path: Path) -> None:
    file = tmp_path / "gadget.signatures"
    file.write_bytes(pack([signature(gadget)]))
    known = Signatures((file,))
    for number, own in enumerate((b"first", b"second", b"third")):
        data = b"\0".join([b"", *_COMMON, b"this came with the %b release" % own, b""])
        (found,) = known.find(data, Part(text=((0, len(data)),)))
        assert found.decision.extent == "full"
        assert (found.decision.low, found.decision.high) == (number, number)


def test_a_caller_and_a_list_of_all_texts_are_no_copies(gadget: Path, tmp_path: Path) -> None:
    file = tmp_path / "gadget.signatures"
    file.write_bytes(pack([signature(gadget)]))
    known = Signatures((file,))
    caller = b"\0" + _COMMON[0] + b"\0" + b"\0".join(b"text of mine %d" % n for n in range(50))
    assert list(known.find(caller, Part(text=((0, len(caller)),)))) == []


def test_a_users_own_replaces_the_shipped(gadget: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "a.signatures", tmp_path / "b.signatures"
    first.write_bytes(pack([signature(gadget)]))
    second.write_bytes(pack([signature(gadget)]))
    data = b"\0".join([b"", *_COMMON, b"this came with the first release", b""])
    found = list(Signatures((first, second)).find(data, Part(text=((0, len(data)),))))
    assert [one.profile.about.name for one in found] == ["gadget"]


def test_the_shelf_builds_lists_shows_imports_and_exports(gadget: Path, tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "signatures")
    shelf.build("gadget", [gadget])
    (own,) = [one for one in shelf.listed() if one.own]
    assert (own.name, own.releases, own.first, own.last) == ("gadget", 3, "1.0", "1.10")
    assert shelf.show("gadget").releases[0] == ("1.0", "2020-09-13")
    count = shelf.export(tmp_path / "all.signatures")
    assert count == len(shelf.listed())
    other = Shelf(tmp_path / "other")
    other.add(tmp_path / "all.signatures")
    assert len(other.listed()) == count
    with pytest.raises(InputError, match="no such component"):
        shelf.show("widget")
    with pytest.raises(InputError, match="a component's name"):
        shelf.build("../widget", [gadget])


def test_a_folder_without_repositories_makes_no_snapshot(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no repository"):
        build_snapshot(tmp_path, tmp_path / "out", map)


def damaged(content: bytes, change: Callable[[dict[str, object]], None]) -> bytes:
    length = int.from_bytes(content[8:16], "little")
    header = json.loads(content[16 : 16 + length])
    change(header)
    written = json.dumps(header).encode()
    return content[:8] + len(written).to_bytes(8, "little") + written + content[16 + length :]


def arrays(header: dict[str, object]) -> dict[str, dict[str, int]]:
    listed = header["arrays"]
    assert isinstance(listed, list)
    return {place["name"]: place for place in listed}


def far(header: dict[str, object]) -> None:
    arrays(header)["hashes"]["at"] = 1 << 40


def negative(header: dict[str, object]) -> None:
    arrays(header)["sets"]["at"] = -64


def short(header: dict[str, object]) -> None:
    arrays(header)["files"]["bytes"] -= 2


def other(header: dict[str, object]) -> None:
    header["schema"] = 99


def swapped(header: dict[str, object]) -> None:
    places = arrays(header)
    places["files"]["at"] = places["hashes"]["at"]


@pytest.mark.parametrize("change", [far, negative, short, other, swapped])
def test_headers_that_lie_are_refused(
    gadget: Path, change: Callable[[dict[str, object]], None]
) -> None:
    with pytest.raises(DataError):
        read_snapshot(damaged(pack([signature(gadget)]), change), "bad")


def test_what_is_cut_short_or_changed_is_refused(gadget: Path) -> None:
    good = pack([signature(gadget)])
    for bad in (b"", b"ASSAYSIG", b"\x7fELF" + good[4:], good[:200], good[: len(good) // 2]):
        with pytest.raises(DataError):
            read_snapshot(bad, "bad")
    changed = bytearray(good)
    changed[-100] ^= 1
    with pytest.raises(DataError, match="digest"):
        read_snapshot(bytes(changed), "bad", verify=True)


def test_each_single_damaged_byte_is_refused_or_harmless(gadget: Path) -> None:
    good = pack([signature(gadget)])
    for place in range(16, len(good), 7):
        bad = bytearray(good)
        bad[place] ^= 0xFF
        try:
            read_snapshot(bytes(bad), "bad").signature(0)
        except DataError:
            continue


def test_the_shipped_recipes_load() -> None:
    recipes = load_recipes()
    assert len(recipes.components) > 150
    openssl = recipes.of("openssl")
    assert openssl is not None
    assert openssl.version("OpenSSL_1_1_1w") == "1.1.1w"
    assert openssl.version("openssl-3.0.0-beta1") is None
    assert not openssl.wanted("test/ssltest.c")
    assert openssl.wanted("crypto/x509/x509_vfy.c")


def test_malformed_recipes_are_refused() -> None:
    for components in ("[", "[]", "[{name: a, tags: [{pattern: '('}]}]", "[{name: a}, {name: a}]"):
        with pytest.raises(DataError):
            parse_recipes(f"version: '1'\ncomponents: {components}", "x")


def test_versions_sort_as_their_projects_mean_them() -> None:
    ordered = [
        "0.9.8",
        "0.9.8za",
        "1.0.2",
        "1.0.2a",
        "1.1.0-beta2",
        "1.1.0",
        "1.1.1",
        "1.1.10",
        "9.2p1",
        "9.2p2",
    ]
    assert sorted(reversed(ordered), key=version_key) == ordered
    assert is_early("1.0rc1")
    assert is_early("v4.0-beta")
    assert not is_early("1.0.2a")


def test_intervals() -> None:
    assert intervals(0b1011_0111) == [(0, 3), (4, 6), (7, 8)]
    assert intervals(0) == []


def test_no_file_is_no_snapshot(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="can't be read"):
        open_snapshot(tmp_path / "none")
