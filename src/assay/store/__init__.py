"""The only room that speaks SQL: tables, queries, migrations, and the blob folder.

Takes: frozen values. Gives: frozen values. Must not know: how they were made.
"""

from assay.store.folder import scratch_folder, seal_key
from assay.store.store import Seal, SealedElsewhere, Store, StoredEvaluation, open_store

__all__ = [
    "Seal",
    "SealedElsewhere",
    "Store",
    "StoredEvaluation",
    "open_store",
    "scratch_folder",
    "seal_key",
]
