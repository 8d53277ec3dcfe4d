"""What `assay doctor` lists is what the handlers start, and how to install it is true."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from assay.intake import Extractor, extractors, protections
from assay.intake.formats import STREAM_FORMATS
from assay.intake.handlers import HANDLERS
from tests.intake_images import IMAGES


def test_every_program_that_a_handler_starts_is_listed() -> None:
    started = {
        program
        for handler in HANDLERS
        if handler.EXTRACTOR
        for program in handler.EXTRACTOR.get_dependencies()
    }
    assert {extractor.program for extractor in extractors()} == started


def test_everything_is_present_after_set_up() -> None:
    missing = [extractor for extractor in extractors() if not extractor.present]
    assert not missing, [extractor.install for extractor in missing]


@pytest.mark.parametrize("extractor", extractors(), ids=lambda one: one.program)
def test_the_command_installs_the_package_that_has_the_program(extractor: Extractor) -> None:
    """dpkg knows which package a program is from; what comes with pip is in the environment."""
    program, install = extractor.program, extractor.install
    if install.startswith("pip install "):
        wanted = Path(__file__).parents[1] / "pyproject.toml"
        assert f'"{install.removeprefix("pip install ")}"' in wanted.read_text()
        return
    package = install.removeprefix("apt-get install ")
    files = subprocess.run(
        ["dpkg", "-L", package], capture_output=True, text=True, check=True
    ).stdout
    assert re.search(rf"/{re.escape(program)}$", files, re.MULTILINE)
    assert package in (Path(__file__).parents[1] / "scripts/packages.txt").read_text().split()


def test_every_maker_of_the_tests_is_installed_by_set_up() -> None:
    listed = (Path(__file__).parents[1] / "scripts/packages.txt").read_text().split()
    assert {package for image in IMAGES for _, package in image.tools} <= set(listed)


def test_formats_named_apart_exist() -> None:
    assert {handler.NAME for handler in HANDLERS} >= STREAM_FORMATS


def test_landlock_is_told_as_the_kernel_has_it(tmp_path: Path) -> None:
    """Truth: whether a process can confine itself, tried."""
    script = (
        "import sys, pathlib\n"
        "from unblob.sandbox import AccessFS, restrict_access\n"
        "restrict_access(AccessFS.read('/'))\n"
        "pathlib.Path(sys.argv[1]).write_text('x')\n"
    )
    tried = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "probe")], capture_output=True, check=False
    )
    confined = tried.returncode != 0 and b"PermissionError" in tried.stderr
    (landlock,) = [one for one in protections() if one.name == "Landlock"]
    assert landlock.active == confined
