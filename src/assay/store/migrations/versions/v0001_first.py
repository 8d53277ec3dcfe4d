"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "evaluations",
        sa.Column("id", sa.String(16), primary_key=True),
        sa.Column("vendor", sa.String, nullable=False),
        sa.Column("product", sa.String, nullable=False),
        sa.Column("release", sa.String, nullable=False),
        sa.Column("image_name", sa.String, nullable=False),
        sa.Column("image_sha256", sa.String(64), nullable=False),
        sa.Column("evaluated_at", sa.String(32), nullable=False),
        sa.Column("tool_version", sa.String, nullable=False),
        sa.Column("knowledge_version", sa.String, nullable=False),
        sa.Column("understood", sa.Float),
        sa.Column("findings", sa.Integer, nullable=False),
        sa.Column("worst", sa.String),
        sa.Column("document", sa.String(64), nullable=False),
        sa.Column("report", sa.String),
    )
    op.create_index("evaluations_by_release", "evaluations", ["vendor", "product", "release"])
    op.create_table(
        "outcomes",
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("value", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "remembered",
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("document", sa.String(64), nullable=False),
    )
    op.create_table(
        "seals",
        sa.Column("evaluation", sa.String(16), primary_key=True),
        sa.Column("seal", sa.String(64), primary_key=True),
        sa.Column("path", sa.String, primary_key=True),
        sa.Column("what", sa.String, nullable=False),
    )
    op.create_index("seals_by_seal", "seals", ["seal"])


def downgrade() -> None:
    for table in ("seals", "remembered", "outcomes", "evaluations"):
        op.drop_table(table)
