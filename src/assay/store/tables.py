"""The tables. A change here needs a migration in `migrations/versions`."""

from sqlalchemy import Column, Float, Index, Integer, LargeBinary, MetaData, String, Table

METADATA = MetaData()

EVALUATIONS = Table(
    "evaluations",
    METADATA,
    Column("id", String(16), primary_key=True),
    Column("vendor", String, nullable=False),
    Column("product", String, nullable=False),
    Column("release", String, nullable=False),
    Column("image_name", String, nullable=False),
    Column("image_sha256", String(64), nullable=False),
    Column("evaluated_at", String(32), nullable=False),
    Column("tool_version", String, nullable=False),
    Column("knowledge_version", String, nullable=False),
    Column("understood", Float),
    Column("findings", Integer, nullable=False),
    Column("worst", String),
    Column("document", String(64), nullable=False),
    Column("report", String),
    Index("evaluations_by_release", "vendor", "product", "release"),
)

OUTCOMES = Table(
    "outcomes",
    METADATA,
    Column("key", String, primary_key=True),
    Column("value", LargeBinary, nullable=False),
)

REMEMBERED = Table(
    "remembered",
    METADATA,
    Column("key", String, primary_key=True),
    Column("document", String(64), nullable=False),
)

SEALS = Table(
    "seals",
    METADATA,
    Column("evaluation", String(16), primary_key=True),
    Column("seal", String(64), primary_key=True),
    Column("path", String, primary_key=True),
    Column("what", String, nullable=False),
    Index("seals_by_seal", "seal"),
)
