"""The tables of the vault: files, the keys of their records, pseudonyms, and who looked."""

import sqlalchemy as sa

METADATA = sa.MetaData()
META = sa.Table(
    "meta",
    METADATA,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("value", sa.LargeBinary, nullable=False),
)
FILES = sa.Table(
    "files",
    METADATA,
    sa.Column("file", sa.Integer, primary_key=True),
    sa.Column("feed", sa.String, nullable=False),
    sa.Column("lookup", sa.LargeBinary),  # keyed digest of the plain file; gone with the first key
    sa.Column("salt", sa.LargeBinary),  # of the commitment in the name; gone with the first key
    sa.Column("name", sa.String, nullable=False),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("sha256", sa.String),  # of the protected file, once it is whole
    sa.Column("n_bytes", sa.Integer),
    sa.UniqueConstraint("feed", "lookup"),
    sa.UniqueConstraint("feed", "sha256"),
)
KEYS = sa.Table(
    "keys",
    METADATA,
    sa.Column("name", sa.LargeBinary, primary_key=True),
    sa.Column("file", sa.Integer, nullable=False),
    sa.Column("record", sa.Integer, nullable=False),  # in the protected file, from 0
    sa.Column("wrapped", sa.LargeBinary, nullable=False),
    sa.Index("keys_place", "file", "record"),
)
PSEUDONYMS = sa.Table(
    "pseudonyms",
    METADATA,
    sa.Column("pseudonym", sa.LargeBinary, primary_key=True),
    sa.Column("name", sa.LargeBinary, primary_key=True),
    sa.Index("pseudonyms_name", "name"),
)
# Erasures whose keys are destroyed and whose statement is perhaps not in the log yet.
ERASURES = sa.Table(
    "erasures",
    METADATA,
    sa.Column("erasure", sa.Integer, primary_key=True),
    sa.Column("entry", sa.LargeBinary, nullable=False),
)
ACCESSES = sa.Table(
    "accesses",
    METADATA,
    sa.Column("access", sa.Integer, primary_key=True),
    sa.Column("at", sa.String, nullable=False),
    sa.Column("what", sa.String, nullable=False),
    sa.Column("feed", sa.String, nullable=False),
    sa.Column("records", sa.String, nullable=False),
    sa.Column("by", sa.String, nullable=False),
    sa.Column("why", sa.String, nullable=False),
)
