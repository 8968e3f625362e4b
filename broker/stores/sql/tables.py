"""The schema, as the newest migration leaves it (a test compares the two).

Every row carries its pool. A document column holds the whole record as JSON; the other columns are what is searched, compared or kept
unique. Instants are milliseconds since the epoch (see `broker.stores.documents`).
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKeyConstraint, Index, Integer, LargeBinary, MetaData, Table, Text, text

metadata = MetaData()

# Byte order, as Python and SQLite have it: what comes after what must not depend on the locale of a server.
WORD = Text().with_variant(Text(collation="C"), "postgresql")


def _word(name: str, *, primary_key: bool = False, nullable: bool = False) -> Column[str]:
    return Column(name, WORD, primary_key=primary_key, nullable=nullable)


def _instant(name: str, *, nullable: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=nullable)


def _of_user() -> ForeignKeyConstraint:
    """An identity of a profile that is gone would lock its owner out: it finds neither the profile nor room for a new one."""
    return ForeignKeyConstraint(["pool_id", "user_sub"], ["users.pool_id", "users.sub"], ondelete="CASCADE")


records = Table(
    "records",
    metadata,
    _word("kind", primary_key=True),
    _word("pool_id", primary_key=True),
    _word("key", primary_key=True),
    _word("owner"),
    _word("organization_id", nullable=True),
    _word("document"),
    Column("sealed", LargeBinary, nullable=True),
)

# `scope` is the pool for what is unique in a pool, and empty for what is unique over all of them. `item` is empty, or the key where
# records may share a value.
record_index = Table(
    "record_index",
    metadata,
    _word("kind", primary_key=True),
    _word("name", primary_key=True),
    _word("scope", primary_key=True),
    _word("value", primary_key=True),
    _word("item", primary_key=True),
    _word("pool_id"),
    _word("key"),
    Index("record_index_record", "kind", "pool_id", "key"),
)

# The version under the empty pool id counts changes of the pools' own records: who exists, and at which host.
pool_version = Table("pool_version", metadata, _word("pool_id", primary_key=True), Column("version", BigInteger, nullable=False))

users = Table(
    "users",
    metadata,
    _word("pool_id", primary_key=True),
    _word("sub", primary_key=True),
    _word("username"),
    Column("version", Integer, nullable=False),
    _word("email", nullable=True),
    _word("phone_number", nullable=True),
    _word("preferred_username", nullable=True),
    _instant("created_at"),
    _word("document"),
    Index("users_username", "pool_id", "username", unique=True),
    *(
        Index(f"users_{name}", "pool_id", name, sqlite_where=text(f"{name} IS NOT NULL"), postgresql_where=text(f"{name} IS NOT NULL"))
        for name in ("email", "phone_number", "preferred_username")
    ),
)

identities = Table(
    "identities",
    metadata,
    _word("pool_id", primary_key=True),
    _word("provider", primary_key=True),
    _word("subject_key", primary_key=True),
    _word("user_sub"),
    Column("is_primary", Integer, nullable=False),
    _instant("created_at"),
    _word("document"),
    _of_user(),
    Index("identities_user", "pool_id", "user_sub"),
)

# The identities of identity pools. Their ids are unique over all pools; a login reaches one of them in its pool.
pool_identities = Table(
    "pool_identities",
    metadata,
    _word("id", primary_key=True),
    _word("pool_id"),
    Column("enabled", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    _word("document"),
    Index("pool_identities_pool", "pool_id", "id"),
)

pool_logins = Table(
    "pool_logins",
    metadata,
    _word("pool_id", primary_key=True),
    _word("provider", primary_key=True),
    _word("subject", primary_key=True),
    _word("identity_id"),
    ForeignKeyConstraint(["identity_id"], ["pool_identities.id"], ondelete="CASCADE"),
    Index("pool_logins_identity", "identity_id"),
)

pending_links = Table(
    "pending_links",
    metadata,
    _word("pool_id", primary_key=True),
    _word("provider", primary_key=True),
    _word("attribute", primary_key=True),
    _word("value", primary_key=True),
    _word("user_sub"),
    _word("document"),
    _of_user(),
    Index("pending_links_user", "pool_id", "user_sub"),
)

memberships = Table(
    "memberships",
    metadata,
    _word("pool_id", primary_key=True),
    _word("group_name", primary_key=True),
    _word("user_sub", primary_key=True),
    _of_user(),
    Index("memberships_user", "pool_id", "user_sub"),
)

sessions = Table(
    "sessions",
    metadata,
    _word("pool_id", primary_key=True),
    _word("sid", primary_key=True),
    _word("user_sub"),
    _word("provider", nullable=True),
    _word("subject_key", nullable=True),
    _word("upstream_index", nullable=True),
    _instant("expires_at"),
    _word("document"),
    Index("sessions_user", "pool_id", "user_sub"),
    Index("sessions_subject", "pool_id", "provider", "subject_key"),
    Index("sessions_upstream", "pool_id", "provider", "upstream_index"),
    Index("sessions_expiry", "expires_at"),
)

# `removed_at` is when nothing issued from the family can be valid any more.
families = Table(
    "families",
    metadata,
    _word("id", primary_key=True),
    _word("pool_id"),
    _word("user_sub"),
    _word("client_id"),
    _word("session_id", nullable=True),
    Column("revoked", Integer, nullable=False),
    _instant("expires_at"),
    _instant("removed_at"),
    _word("document"),
    Index("families_user", "pool_id", "user_sub"),
    Index("families_session", "pool_id", "session_id"),
    Index("families_removal", "removed_at"),
)

# `usable_until` is null while the token is current; afterwards it is the end of its grace.
refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    _word("token_hash", primary_key=True),
    _word("pool_id"),
    _word("family"),
    _instant("usable_until", nullable=True),
    Index("refresh_tokens_family", "family"),
)


def _one_in_state(state: str) -> Index:
    where = text(f"state = '{state}'")
    return Index(f"keys_{state}", "pool_id", "key_use", "alg", unique=True, sqlite_where=where, postgresql_where=where)


keys = Table(
    "keys",
    metadata,
    _word("pool_id", primary_key=True),
    _word("kid", primary_key=True),
    _word("key_use"),
    _word("alg"),
    _word("state"),
    _instant("created_at"),
    _word("document"),
    Column("sealed", LargeBinary, nullable=False),
    _one_in_state("current"),
    _one_in_state("next"),
)

# Data keys under the master key: one a user for the evidence in traces, one a pool (empty user_sub) for their lines.
data_keys = Table(
    "data_keys",
    metadata,
    _word("pool_id", primary_key=True),
    _word("user_sub", primary_key=True),
    Column("wrapped", LargeBinary, nullable=False),
)

traces = Table(
    "traces",
    metadata,
    _word("id", primary_key=True),
    _word("pool_id"),
    _word("provider", nullable=True),
    _word("organization_id", nullable=True),
    _word("user_sub", nullable=True),
    _instant("started_at"),
    _instant("expires_at"),
    _word("document"),
    Column("lines", LargeBinary, nullable=False),
    Column("evidence", LargeBinary, nullable=True),
    Index("traces_recent", "started_at"),
    Index("traces_pool", "pool_id", "started_at"),
    Index("traces_provider", "pool_id", "provider", "started_at"),
    Index("traces_user", "pool_id", "user_sub"),
    Index("traces_expiry", "expires_at"),
)

consents = Table(
    "consents",
    metadata,
    _word("pool_id", primary_key=True),
    _word("user_sub", primary_key=True),
    _word("client_id", primary_key=True),
    _word("document"),
)

# `ready_at` is when a worker may take it: its due time, or the end of the lease that somebody has on it.
jobs = Table(
    "jobs",
    metadata,
    _word("id", primary_key=True),
    _word("pool_id"),
    _word("kind"),
    _instant("due_at"),
    _instant("ready_at"),
    Column("attempts", Integer, nullable=False),
    _word("error"),
    _word("document"),
    Index("jobs_ready", "kind", "ready_at"),
)

replay_keys = Table("replay_keys", metadata, _word("digest", primary_key=True), _instant("until"), Index("replay_keys_expiry", "until"))

leases = Table("leases", metadata, _word("name", primary_key=True), _word("holder"), _instant("until"))

# Kept apart, because SQLite has it in a file of its own.
transient_metadata = MetaData()

transient = Table(
    "transient",
    transient_metadata,
    _word("name", primary_key=True),
    Column("value", LargeBinary, nullable=False),
    Column("burned", Integer, nullable=False),
    Column("counted", Integer, nullable=False),
    _instant("expires_at"),
    Index("transient_expiry", "expires_at"),
)
