"""Identity pools: their identities, and the logins that reach them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "pool_identities",
        sa.Column("id", WORD, nullable=False),
        sa.Column("pool_id", WORD, nullable=False),
        sa.Column("enabled", sa.Integer, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("document", WORD, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("pool_identities_pool", "pool_identities", ["pool_id", "id"])
    op.create_table(
        "pool_logins",
        sa.Column("pool_id", WORD, nullable=False),
        sa.Column("provider", WORD, nullable=False),
        sa.Column("subject", WORD, nullable=False),
        sa.Column("identity_id", WORD, nullable=False),
        sa.PrimaryKeyConstraint("pool_id", "provider", "subject"),
        sa.ForeignKeyConstraint(["identity_id"], ["pool_identities.id"], ondelete="CASCADE"),
    )
    op.create_index("pool_logins_identity", "pool_logins", ["identity_id"])
