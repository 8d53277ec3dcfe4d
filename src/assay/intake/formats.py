"""What intake must know of formats by name, without loading what opens them."""

# What comes out has no path of its own inside the image: the content of a stream (one input, one
# output), or the parts of an image that a boot loader or a package manager tells apart.
STREAM_FORMATS = frozenset(
    {
        "bzip2",
        "compress",
        "deb",
        "fit",
        "gzip",
        "lz4_default",
        "lz4_legacy",
        "lz4_skippable",
        "lzip",
        "lzma",
        "lzo",
        "partclone",
        "rpm",
        "sparse",
        "trx_v1",
        "trx_v2",
        "ubi",
        "uimage",
        "xz",
        "zlib",
        "zstd",
    }
)

# File systems and archives that record modes, by the beginning of their names: where a listing of
# one of these can't be read, its files' modes are unknown, not harmless.
RECORDS_MODES: tuple[str, ...] = (
    "btrfs",
    "cpio",
    "cramfs",
    "erofs",
    "extfs",
    "jffs2",
    "minix_fs",
    "romfs",
    "solaris_ufs",
    "squashfs",
    "tar",
    "ubifs",
    "ufs",
    "yaffs",
)
