"""The tables of accounts, in the home's SQL database: what the log says of them too, and secrets' hashes.

They are made when an account is first added; a home without accounts has none.
"""

from collections.abc import Iterator, Sequence
from dataclasses import Field
from typing import Any

import sqlalchemy as sa

from veracity.home.accounts.write import ASKED, FACTS
from veracity.home.directory import Directory
from veracity.home.stores import open_database
from veracity.stores.sql import SqlDatabase

ACCOUNTS_METADATA = sa.MetaData()
TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")  # sorted by its bytes, as in SQLite


def _columns(facts: Sequence[Field[Any]]) -> Iterator[sa.Column[Any]]:
    for fact in facts:
        yield sa.Column(fact.name, sa.Integer if fact.type is int else TEXT, nullable=False)


accounts = sa.Table(
    "access_accounts",
    ACCOUNTS_METADATA,
    sa.Column("name", TEXT, primary_key=True),
    sa.Column("roles", TEXT, nullable=False),  # in order, with commas between
    sa.Column("agency", TEXT),
    sa.Column("created_at", TEXT, nullable=False),
    sa.Column("closed_at", TEXT),
    sa.Column("issuer", TEXT),  # of who signs in: the provider, and whom it knows the person as
    sa.Column("subject", TEXT),
    sa.Column("shown", TEXT),  # what the provider calls the person, for people; never in the log
    sa.UniqueConstraint("issuer", "subject"),
)
tokens = sa.Table(
    "access_tokens",
    ACCOUNTS_METADATA,
    sa.Column("id", TEXT, primary_key=True),
    sa.Column("sha256", TEXT, nullable=False),
    sa.Column("account", TEXT, nullable=False, index=True),
    sa.Column("roles", TEXT, nullable=False),
    sa.Column("feeds", TEXT),  # in order, with commas between; null for all
    sa.Column("made_with", TEXT, index=True),  # the token that asked for it, if one did
    sa.Column("created_at", TEXT, nullable=False),
    sa.Column("expires_at", TEXT, nullable=False),
    sa.Column("revoked_at", TEXT),
    sa.Column("used_at", TEXT),
)
sessions = sa.Table(
    "access_sessions",
    ACCOUNTS_METADATA,
    sa.Column("sha256", TEXT, primary_key=True),
    sa.Column("id", TEXT, nullable=False),
    sa.Column("account", TEXT, nullable=False, index=True),
    sa.Column("roles", TEXT, nullable=False),
    sa.Column("began_at", TEXT, nullable=False),
    sa.Column("used_at", TEXT, nullable=False),
)
sign_ins = sa.Table(
    "access_sign_ins",
    ACCOUNTS_METADATA,
    sa.Column("sha256", TEXT, primary_key=True),  # of the state
    sa.Column("browser_sha256", TEXT, nullable=False),
    sa.Column("nonce", TEXT, nullable=False),
    sa.Column("verifier", TEXT, nullable=False),
    sa.Column("then", TEXT, nullable=False),
    sa.Column("began_at", TEXT, nullable=False),
)
writes = sa.Table(
    "access_writes",
    ACCOUNTS_METADATA,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    *_columns(FACTS),
)
found_writes = sa.Table(
    "access_found_writes",  # those whose server was killed before it wrote their line
    ACCOUNTS_METADATA,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("entry", sa.Integer, nullable=False),  # of the log: what was written
)
intents = sa.Table(
    "access_intents",
    ACCOUNTS_METADATA,
    sa.Column("id", TEXT, primary_key=True),
    sa.Column("part", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("process", TEXT, nullable=False),
    *_columns(ASKED),
    sa.Column("since", sa.Integer, nullable=False),  # the log's size before
    sa.Column("kind", TEXT, nullable=False),  # of the statement that the write makes
    sa.Column("feed", TEXT),
    sa.Column("said", TEXT, nullable=False),  # what its predicate says, as JSON
    sa.Column("number", sa.Integer),  # the line that was made of it, once it was found
)
counters = sa.Table(
    "access_counters",
    ACCOUNTS_METADATA,
    sa.Column("name", TEXT, primary_key=True),
    sa.Column("value", sa.Integer, nullable=False),
)


def open_tables(directory: Directory) -> SqlDatabase:
    """Open the home's database with the tables of accounts, made if they are not there."""
    return open_database(directory, metadata=ACCOUNTS_METADATA)


def has_tables(database: SqlDatabase) -> bool:
    """Say whether the home ever had an account."""
    with database.reading() as db:
        return sa.inspect(db).has_table(accounts.name)


def joined(names: tuple[str, ...] | frozenset[str] | None) -> str | None:
    """Write names in order; none of them has a comma."""
    return None if names is None else ",".join(sorted(names))


def split(text: str | None) -> frozenset[str] | None:
    """Read names that ``joined`` wrote."""
    return None if text is None else frozenset(filter(None, text.split(",")))
