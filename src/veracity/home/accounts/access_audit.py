"""Audit of who may do what: nobody more than the log says, and every write over the network in a list.

Findings are of rights that the database has and the log did not give, or took away again; of lists that are
gone, changed, or leave a number out. Rights that the log gave and the database lacks harm nobody: a crash
between the two leaves them.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field

import sqlalchemy as sa

from veracity.errors import VeracityError
from veracity.home.accounts.journal import last_listed, list_path, read_list
from veracity.home.accounts.store import AccountStore
from veracity.home.accounts.tables import has_tables, writes
from veracity.home.home import Home
from veracity.home.table_audit import Found, one_line
from veracity.log.errors import ObjectMissing
from veracity.provenance.dsse import open_envelope
from veracity.provenance.statements import Access, Rights, parse_statement
from veracity.provenance.statements.access import Writes


@dataclass
class Given:
    """The rights that a log gives in the end, folded from its statements in order."""

    accounts: dict[str, Rights] = field(default_factory=dict)
    tokens: dict[str, tuple[str, Rights]] = field(default_factory=dict)

    def add(self, said: Access) -> None:
        """Take in the next statement."""
        if said.account is None:
            return
        if said.rights is None and said.token is None:
            self.accounts.pop(said.account, None)
            self.tokens = {t: (a, r) for t, (a, r) in self.tokens.items() if a != said.account}
        elif said.rights is None:
            self.tokens.pop(said.token or "", None)
        elif said.token is None:
            self.accounts[said.account] = said.rights
        else:
            self.tokens[said.token] = said.account, said.rights


@dataclass
class AccessAudit:
    """What was looked at, and what differed."""

    n_statements: int = 0
    findings: list[Found] = field(default_factory=list)


def audit_access(home: Home) -> AccessAudit:
    """Audit accounts, tokens and lists of writes."""
    audit, given = AccessAudit(), Given()
    reader, expected = home.reader(), 0
    for idx, _ in home.index.walk("access"):
        where = f"access (log entry {idx})"
        audit.n_statements += 1
        try:
            said = Access.from_statement(parse_statement(open_envelope(reader.entry(idx)).payload))
        except VeracityError as exc:
            audit.findings.append((where, "access statement", one_line(exc)))
            continue
        if said.number != audit.n_statements - 1:
            text = f"want number {audit.n_statements - 1}, got {said.number}"
            audit.findings.append((where, "access statement", text))
        given.add(said)
        if said.writes is not None:
            audit.findings += [(where, "writes", text) for text in _check_list(home, said.writes, expected)]
            expected = said.writes.last + 1
    if has_tables(home.database):
        audit.findings += _check_rights(home, given)
        audit.findings += _check_waiting(home)
    return audit


def _check_list(home: Home, said: Writes, expected: int) -> Iterator[str]:
    if said.first != expected:
        yield f"want the list to begin with number {expected}, got {said.first}"
    path = list_path(said.sha256)
    try:
        data = home.objects.get(path)
    except ObjectMissing:
        yield f"want the list {path}, got no file"
        return
    digest = hashlib.sha256(data).hexdigest()
    if digest != said.sha256:
        yield f"{path}: want sha256 {said.sha256[:16]}, got {digest[:16]}"
        return
    try:
        numbers = [write.number for write in read_list(data)]
    except VeracityError as exc:
        yield one_line(exc)
        return
    if numbers != list(range(said.first, said.last + 1)):
        yield f"{path}: want numbers {said.first} to {said.last}, each once, got others"


def _check_rights(home: Home, given: Given) -> Iterator[Found]:
    store = AccountStore(home.database, home.clock)
    for account in store.accounts():
        if account.closed_at is not None or not account.roles:
            continue
        where, said = f"account {account.name}", given.accounts.get(account.name)
        if said is None:
            yield where, "rights", "want what the log gives, none, got an account"
        elif not account.roles <= set(said.roles) or account.agency != said.agency:
            yield (
                where,
                "rights",
                (
                    f"want {', '.join(said.roles)} of {said.agency or 'no agency'}, as the log says,"
                    f" got {', '.join(sorted(account.roles))} of {account.agency or 'no agency'}"
                ),
            )
    for token in store.tokens():
        if token.revoked_at is not None:
            continue
        where, known = f"token {token.identifier}", given.tokens.get(token.identifier)
        feeds = None if token.feeds is None else tuple(sorted(token.feeds))
        if known is None or known[0] != token.account:
            yield where, "rights", f"want what the log gives, none, got a token of {token.account}"
        elif not token.roles <= set(known[1].roles) or (feeds, token.expires_at) != (
            known[1].feeds,
            known[1].expires,
        ):
            yield where, "rights", "want roles, feeds and expiry as the log says, got more or others"


def _check_waiting(home: Home) -> Iterator[Found]:
    """Check that the journal goes on where the lists end."""
    listed = last_listed(home)
    query = sa.select(writes.c.number).where(writes.c.number > listed).order_by(writes.c.number)
    with home.database.reading() as db:
        numbers = list(db.execute(query).scalars())
    if numbers != list(range(listed + 1, listed + 1 + len(numbers))):
        yield "journal of writes", "writes", f"want numbers from {listed + 1} on, each once, got a hole"
