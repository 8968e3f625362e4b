"""The schema of the first release."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    _settings()
    _people()
    _signed_in()
    _sealed()
    _work()
    # SQLite keeps these rows in a file of their own, which its user makes at first use.
    if op.get_bind().dialect.name != "sqlite":
        _transient()


def _of_user() -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["pool_id", "user_sub"], ["users.pool_id", "users.sub"], ondelete="CASCADE")


def _partial_index(name: str, table: str, columns: list[str], where: str, *, unique: bool) -> None:
    op.create_index(name, table, columns, unique=unique, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


def _settings() -> None:
    op.create_table(
        "records",
        sa.Column("kind", WORD, nullable=False),
        sa.Column("pool_id", WORD, nullable=False),
        sa.Column("key", WORD, nullable=False),
        sa.Column("owner", WORD, nullable=False),
        sa.Column("organization_id", WORD, nullable=True),
        sa.Column("document", WORD, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=True),
        sa.PrimaryKeyConstraint("kind", "pool_id", "key"),
    )
    op.create_table(
        "record_index",
        sa.Column("kind", WORD, nullable=False),
        sa.Column("name", WORD, nullable=False),
        sa.Column("scope", WORD, nullable=False),
        sa.Column("value", WORD, nullable=False),
        sa.Column("item", WORD, nullable=False),
        sa.Column("pool_id", WORD, nullable=False),
        sa.Column("key", WORD, nullable=False),
        sa.PrimaryKeyConstraint("kind", "name", "scope", "value", "item"),
    )
    op.create_index("record_index_record", "record_index", ["kind", "pool_id", "key"])
    op.create_table(
        "pool_version",
        sa.Column("pool_id", WORD, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("pool_id"),
    )


def _people() -> None:
    op.create_table(
        "users",
        sa.Column("pool_id", WORD, nullable=False),
        sa.Column("sub", WORD, nullable=False),
        sa.Column("username", WORD, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("email", WORD, nullable=True),
        sa.Column("phone_number", WORD, nullable=True),
        sa.Column("preferred_username", WORD, nullable=True),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("document", WORD, nullable=False),
        sa.PrimaryKeyConstraint("pool_id", "sub"),
    )
    _partial_index("users_email", "users", ["pool_id", "email"], "email IS NOT NULL", unique=False)
    _partial_index("users_phone_number", "users", ["pool_id", "phone_number"], "phone_number IS NOT NULL", unique=False)
    _partial_index("users_preferred_username", "users", ["pool_id", "preferred_username"], "preferred_username IS NOT NULL", unique=False)
    op.create_index("users_username", "users", ["pool_id", "username"], unique=True)
    op.create_table(
        "identities",
        sa.Column("pool_id", WORD, nullable=False),
        sa.Column("provider", WORD, nullable=False),
        sa.Column("subject_key", WORD, nullable=False),
        sa.Column("user_sub", WORD, nullable=False),
        sa.Column("is_primary", sa.Integer, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("document", WORD, nullable=False),
        sa.PrimaryKeyConstraint("pool_id", "provider", "subject_key"),
        _of_user(),
    )
    op.create_index("identities_user", "identities", ["pool_id", "user_sub"])
    op.create_table(
        "pending_links",
        sa.Column("pool_id", WORD, nullable=False),
        sa.Column("provider", WORD, nullable=False),
        sa.Column("attribute", WORD, nullable=False),
        sa.Column("value", WORD, nullable=False),
        sa.Column("user_sub", WORD, nullable=False),
        sa.Column("document", WORD, nullable=False),
        sa.PrimaryKeyConstraint("pool_id", "provider", "attribute", "value"),
        _of_user(),
    )
    op.create_index("pending_links_user", "pending_links", ["pool_id", "user_sub"])
    op.create_table(
        "memberships",
        sa.Column("pool_id", WORD, nullable=False),
        sa.Column("group_name", WORD, nullable=False),
        sa.Column("user_sub", WORD, nullable=False),
        sa.PrimaryKeyConstraint("pool_id", "group_name", "user_sub"),
        _of_user(),
    )
    op.create_index("memberships_user", "memberships", ["pool_id", "user_sub"])
    op.create_table(
        "consents",
        sa.Column("pool_id", WORD, nullable=False),
        sa.Column("user_sub", WORD, nullable=False),
        sa.Column("client_id", WORD, nullable=False),
        sa.Column("document", WORD, nullable=False),
        sa.PrimaryKeyConstraint("pool_id", "user_sub", "client_id"),
    )


def _signed_in() -> None:
    op.create_table(
        "sessions",
        sa.Column("pool_id", WORD, nullable=False),
        sa.Column("sid", WORD, nullable=False),
        sa.Column("user_sub", WORD, nullable=False),
        sa.Column("provider", WORD, nullable=True),
        sa.Column("subject_key", WORD, nullable=True),
        sa.Column("upstream_index", WORD, nullable=True),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("document", WORD, nullable=False),
        sa.PrimaryKeyConstraint("pool_id", "sid"),
    )
    op.create_index("sessions_expiry", "sessions", ["expires_at"])
    op.create_index("sessions_subject", "sessions", ["pool_id", "provider", "subject_key"])
    op.create_index("sessions_upstream", "sessions", ["pool_id", "provider", "upstream_index"])
    op.create_index("sessions_user", "sessions", ["pool_id", "user_sub"])
    op.create_table(
        "families",
        sa.Column("id", WORD, nullable=False),
        sa.Column("pool_id", WORD, nullable=False),
        sa.Column("user_sub", WORD, nullable=False),
        sa.Column("client_id", WORD, nullable=False),
        sa.Column("session_id", WORD, nullable=True),
        sa.Column("revoked", sa.Integer, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("removed_at", sa.BigInteger, nullable=False),
        sa.Column("document", WORD, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("families_removal", "families", ["removed_at"])
    op.create_index("families_session", "families", ["pool_id", "session_id"])
    op.create_index("families_user", "families", ["pool_id", "user_sub"])
    op.create_table(
        "refresh_tokens",
        sa.Column("token_hash", WORD, nullable=False),
        sa.Column("pool_id", WORD, nullable=False),
        sa.Column("family", WORD, nullable=False),
        sa.Column("usable_until", sa.BigInteger, nullable=True),
        sa.PrimaryKeyConstraint("token_hash"),
    )
    op.create_index("refresh_tokens_family", "refresh_tokens", ["family"])


def _sealed() -> None:
    op.create_table(
        "keys",
        sa.Column("pool_id", WORD, nullable=False),
        sa.Column("kid", WORD, nullable=False),
        sa.Column("key_use", WORD, nullable=False),
        sa.Column("alg", WORD, nullable=False),
        sa.Column("state", WORD, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("document", WORD, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("pool_id", "kid"),
    )
    _partial_index("keys_current", "keys", ["pool_id", "key_use", "alg"], "state = 'current'", unique=True)
    _partial_index("keys_next", "keys", ["pool_id", "key_use", "alg"], "state = 'next'", unique=True)
    op.create_table(
        "data_keys",
        sa.Column("pool_id", WORD, nullable=False),
        sa.Column("user_sub", WORD, nullable=False),
        sa.Column("wrapped", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("pool_id", "user_sub"),
    )
    op.create_table(
        "traces",
        sa.Column("id", WORD, nullable=False),
        sa.Column("pool_id", WORD, nullable=False),
        sa.Column("provider", WORD, nullable=True),
        sa.Column("organization_id", WORD, nullable=True),
        sa.Column("user_sub", WORD, nullable=True),
        sa.Column("started_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("document", WORD, nullable=False),
        sa.Column("lines", sa.LargeBinary, nullable=False),
        sa.Column("evidence", sa.LargeBinary, nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("traces_expiry", "traces", ["expires_at"])
    op.create_index("traces_pool", "traces", ["pool_id", "started_at"])
    op.create_index("traces_provider", "traces", ["pool_id", "provider", "started_at"])
    op.create_index("traces_recent", "traces", ["started_at"])
    op.create_index("traces_user", "traces", ["pool_id", "user_sub"])


def _work() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", WORD, nullable=False),
        sa.Column("pool_id", WORD, nullable=False),
        sa.Column("kind", WORD, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("ready_at", sa.BigInteger, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("error", WORD, nullable=False),
        sa.Column("document", WORD, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("jobs_ready", "jobs", ["kind", "ready_at"])
    op.create_table(
        "replay_keys",
        sa.Column("digest", WORD, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_index("replay_keys_expiry", "replay_keys", ["until"])
    op.create_table(
        "leases",
        sa.Column("name", WORD, nullable=False),
        sa.Column("holder", WORD, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )


def _transient() -> None:
    op.create_table(
        "transient",
        sa.Column("name", WORD, nullable=False),
        sa.Column("value", sa.LargeBinary, nullable=False),
        sa.Column("burned", sa.Integer, nullable=False),
        sa.Column("counted", sa.Integer, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_index("transient_expiry", "transient", ["expires_at"])
