"""Real material: UEFI firmware, the installer's initial RAM disk, packages, wheels."""

import gzip
import hashlib
import subprocess
import zipfile
from pathlib import Path

from assay.intake import Limits, unpack
from assay.model.tree import File, Kind, Tree
from tests.corpus import debs, netboot_initrd


def opened(place: Path, image: Path) -> Tree:
    (place / "scratch").mkdir()
    return unpack(image, place / "scratch", Limits(), jobs=2).tree


def by_path(tree: Tree) -> dict[str, File]:
    return {file.path: file for file in tree.files}


def test_installer_ram_disk(tmp_path: Path) -> None:
    """Truth: cpio's own listing and its own extraction."""
    image = netboot_initrd()
    tree = opened(tmp_path, image)
    content = gzip.decompress(image.read_bytes())
    (tmp_path / "truth").mkdir()
    subprocess.run(
        ["cpio", "-idm", "--quiet", "--no-absolute-filenames"],
        cwd=tmp_path / "truth",
        input=content,
        capture_output=True,
        check=False,  # a user who is not root may make no devices
    )
    files = by_path(tree)
    wanted = [
        path for path in (tmp_path / "truth").rglob("*") if path.is_file() and not path.is_symlink()
    ]
    assert len(wanted) > 500
    for path in wanted:
        file = files[path.relative_to(tmp_path / "truth").as_posix()]
        assert file.sha256 == hashlib.sha256(path.read_bytes()).hexdigest(), file.path
        assert [step.format for step in file.containers] == ["gzip", "cpio_portable_ascii"]
        assert (file.uid, file.gid) == (0, 0)


def test_debian_package(tmp_path: Path) -> None:
    """Truth: dpkg-deb's own listing and the package's checksums."""
    (deb,) = debs("amd64", ["busybox-static"])
    files = by_path(opened(tmp_path, deb))
    control = subprocess.run(
        ["dpkg-deb", "-I", str(deb), "md5sums"], capture_output=True, text=True, check=True
    ).stdout
    paths = [line.split(maxsplit=1)[1] for line in control.splitlines()]
    assert paths
    for path in paths:
        raw = subprocess.run(
            ["dpkg-deb", "--fsys-tarfile", str(deb)], capture_output=True, check=True
        )
        one = subprocess.run(
            ["tar", "-xO", f"./{path}"], input=raw.stdout, capture_output=True, check=True
        )
        assert files[path].sha256 == hashlib.sha256(one.stdout).hexdigest()
    assert files["bin/busybox"].kind is Kind.ELF


def test_uefi_firmware(tmp_path: Path) -> None:
    """Truth: Debian's build of the firmware has a volume at its start; its drivers are PE files."""
    (deb,) = debs("all", ["ovmf"])
    subprocess.run(["dpkg-deb", "-x", str(deb), str(tmp_path / "ovmf")], check=True)
    image = tmp_path / "ovmf/usr/share/OVMF/OVMF_CODE.fd"
    tree = opened(tmp_path, image)
    content = image.read_bytes()
    signatures = [at - 40 for at in range(len(content)) if content[at : at + 4] == b"_FVH"]
    volumes = [one for one in tree.regions if one.format == "uefi_volume" and not one.path]
    assert volumes
    assert {one.offset for one in volumes} <= set(signatures)
    programs = [file for file in tree.files if file.kind is Kind.PE]
    assert len(programs) > 50


def test_wheel(tmp_path: Path) -> None:
    """Truth: the archive's own directory, read by Python's library."""
    content = Path("/bin/true").read_bytes()
    with zipfile.ZipFile(
        tmp_path / "sample-1-py3-none-any.whl", "w", zipfile.ZIP_DEFLATED
    ) as wheel:
        wheel.writestr("sample/__init__.py", "VALUE = 1\n")
        wheel.writestr("sample/_native.so", content)
        wheel.writestr("sample-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: sample\n")
    files = by_path(opened(tmp_path, tmp_path / "sample-1-py3-none-any.whl"))
    assert files["sample/_native.so"].sha256 == hashlib.sha256(content).hexdigest()
    assert files["sample/_native.so"].kind is Kind.ELF
    assert set(files) == {
        "sample",
        "sample-1.dist-info",
        "sample/__init__.py",
        "sample/_native.so",
        "sample-1.dist-info/METADATA",
    }
