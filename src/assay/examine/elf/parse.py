"""An ELF file through `lief`, reading no more than is asked for."""

import warnings

import lief

from assay.examine.contract import ExamineError

lief.logging.disable()
# Numbers for which lief has no name (machines, types, tags) come as numbers, and are handled.
warnings.filterwarnings("ignore", message=".* is not a valid ", category=RuntimeWarning)


def _config(notes: bool) -> lief.ELF.ParserConfig:
    config = lief.ELF.ParserConfig()
    # Symbols and relocations are read as arrays where they are needed: as objects they cost more
    # than all the rest.
    config.parse_dyn_symbols = False
    config.parse_symtab_symbols = False
    config.parse_relocations = False
    config.parse_symbol_versions = False
    config.parse_overlay = False
    config.parse_notes = notes
    return config


_CONFIGS = {notes: _config(notes) for notes in (True, False)}


def parse_elf(data: bytes, *, notes: bool = True) -> lief.ELF.Binary:
    """Parse headers, segments, sections, dynamic entries and, unless told otherwise, notes.

    Raises:
        ExamineError: not even the header can be read.
    """
    elf = lief.ELF.parse(data, _CONFIGS[notes])
    if elf is None:
        raise ExamineError("ELF header at offset 0x0 can't be read")
    return elf


def dynamic_value(elf: lief.ELF.Binary, tag: lief.ELF.DynamicEntry.TAG) -> int | None:
    """The value of a dynamic entry, None where there is none."""
    entry = elf.get(tag)
    return None if entry is None else int(entry.value)


def section_bytes(elf: lief.ELF.Binary, name: str) -> bytes:
    """A section's content; empty where there is none."""
    section = elf.get_section(name)
    return b"" if section is None else bytes(section.content)
