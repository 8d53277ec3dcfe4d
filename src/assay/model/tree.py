"""An image's bytes, and the tree of files found in it by recursive unpacking."""

from enum import StrEnum

from assay.model.base import Frozen


class Kind(StrEnum):
    """What a tree's entry is, judged by its first bytes and its mode, never by its name."""

    ELF = "elf"
    PE = "pe"
    MACHO = "macho"
    SCRIPT = "script"
    TEXT = "text"
    CONTAINER = "container"
    DATA = "data"
    EMPTY = "empty"
    SYMLINK = "symlink"
    DIRECTORY = "directory"
    DEVICE = "device"
    FIFO = "fifo"
    SOCKET = "socket"


class Container(Frozen):
    """One step of the way from the image to a file: a format, where it was found, how long.

    `path` is the tree path of the file that held it, empty for the image itself.
    `offset` and `size` are bytes in that file.
    """

    format: str
    path: str
    offset: int
    size: int


class File(Frozen):
    """One entry of the tree.

    `path` is the path inside the image, without a leading slash; a file that came out of an
    archive inside the tree stands behind it, as in `usr/share/fonts.tar!/a.ttf`.
    `sha256` is empty for what has no content (links, directories, devices).
    `mode` holds the permission bits with set-uid, set-gid and sticky, as in `stat(2)`; `mode`,
    `uid` and `gid` are None where the container does not record them.
    `target` is a symbolic link's target as it stands in the image; `resolved` is the tree path
    that it leads to with the file system's own root as root, None where it leads nowhere.
    `capabilities` names what running the file grants (the permitted set of its capability
    attribute, in the words of capabilities(7)); None where that was not read.
    """

    path: str
    kind: Kind
    sha256: str = ""
    size: int = 0
    mode: int | None = None
    uid: int | None = None
    gid: int | None = None
    target: str | None = None
    resolved: str | None = None
    capabilities: tuple[str, ...] | None = None
    containers: tuple[Container, ...] = ()

    @property
    def name(self) -> str:
        """The last component of the path."""
        return self.path.rsplit("/", 1)[-1]

    @property
    def has_content(self) -> bool:
        """Whether it is a regular file."""
        return bool(self.sha256)


class Guess(StrEnum):
    """What bytes that no format explained look like."""

    COMPRESSED_OR_ENCRYPTED = "compressed or encrypted"
    ENCRYPTED = "encrypted"
    PADDING = "padding"
    CODE_OR_DATA = "code or data"
    TEXT = "text"


class Region(Frozen):
    """A run of bytes of the image, or of a file in the tree that was looked into.

    `understood` is true where a format was recognised and unpacked whole, and for padding.
    `entropy` is Shannon's, in bits a byte (0 to 8).
    """

    path: str
    offset: int
    size: int
    understood: bool
    format: str = ""
    guess: Guess | None = None
    entropy: float | None = None
    why: str = ""


MODES_NOT_READ = "modes not read"
LINK_OUTWARD = "link leads out of the tree"


class Problem(Frozen):
    """Something that went wrong or was refused while unpacking, and where.

    `what` says it in short: `MODES_NOT_READ` and `LINK_OUTWARD` are what measures ask for.
    """

    path: str
    what: str
    why: str
    offset: int | None = None


class Tree(Frozen):
    """All that intake found in one image: sorted by path, the same for the same bytes.

    `sha256` and `size` are those of the image; of a directory, the digest of its listing and
    the sum of its files' sizes.
    """

    sha256: str
    size: int
    files: tuple[File, ...]
    regions: tuple[Region, ...] = ()
    problems: tuple[Problem, ...] = ()
