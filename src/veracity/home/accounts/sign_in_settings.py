"""``sign-in.yaml`` in a home: the provider that people sign in with, and what its word lets them do.

::

    issuer: https://id.example.org
    client_id: veracity
    client_secret: {file: /etc/veracity/sign-in.secret}      # or {env: NAME}; none for a public client
    scopes: [openid, profile, groups]
    roles:
      claim: groups
      of: {city-operators: [operator], city-admins: [admin, auditor]}
    agency: {claim: organisation, of: {weather-office: rain-office}}
    name: name                                               # the claim that people read; may be left out

The secret is never in the file itself. What the provider says of a person that is not written here gives
nothing.
"""

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from veracity.data.plain_yaml import parse_yaml
from veracity.home.accounts.account import ROLES, Role, parse_role
from veracity.home.accounts.errors import MalformedAccount, MalformedSignIn, SignInRefused
from veracity.provenance.fields import Fields

FILE = "sign-in.yaml"
MAX_BYTES = 65_536
MAX_SECRET_BYTES = 4_096
MAX_RULES = 256
_CLAIM = re.compile(r"[A-Za-z0-9_:/.-]{1,200}")
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,100}")  # RFC 6749, appendix A.4
_ENV = re.compile(r"[A-Z_][A-Z0-9_]{0,63}")


@dataclass(frozen=True)
class SignInSettings:
    """Which provider, as whom we come to it, and what its claims give.

    Attributes
    ----------
    roles
        By the value of ``role_claim``.
    agencies
        By the value of ``agency_claim``; empty where people are of the city's own staff.
    """

    issuer: str
    client_id: str
    client_secret: str | None = field(repr=False)
    scopes: tuple[str, ...]
    role_claim: str
    roles: Mapping[str, frozenset[Role]]
    agency_claim: str | None = None
    agencies: Mapping[str, str] = field(default_factory=dict)
    name_claim: str | None = None

    def roles_of(self, claims: Mapping[str, Any]) -> frozenset[Role]:
        """Return what a person's claims give."""
        given = (self.roles.get(value, frozenset()) for value in _values(claims.get(self.role_claim)))
        return frozenset().union(*given)

    def agency_of(self, claims: Mapping[str, Any]) -> str | None:
        """Return whose data the person may send; SignInRefused if the claims name none, or several."""
        if self.agency_claim is None:
            return None
        values = _values(claims.get(self.agency_claim))
        found = {self.agencies[value] for value in values if value in self.agencies}
        if len(found) != 1:
            raise SignInRefused(f"sign-in: want one agency in {self.agency_claim}, got {len(found)}")
        return found.pop()

    def name_of(self, claims: Mapping[str, Any]) -> str | None:
        """Return what people read, if the provider says it."""
        value = None if self.name_claim is None else claims.get(self.name_claim)
        return value[:200] if isinstance(value, str) and value.isprintable() else None


def read_sign_in(root: Path) -> SignInSettings | None:
    """Read a home's settings; None where nobody can sign in.

    Raises
    ------
    MalformedSignIn
        If they are not as above, or the secret is not where they say.
    """
    path = root / FILE
    try:
        with path.open("rb") as file:
            text = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise MalformedSignIn(f"{FILE}: want a file that can be read, got {exc.strerror}") from exc
    return parse_sign_in(text)


def parse_sign_in(text: bytes, environment: Mapping[str, str] = os.environ) -> SignInSettings:
    """Parse the settings; errors as ``read_sign_in``."""
    fields = Fields(parse_yaml(text, FILE, MAX_BYTES, MalformedSignIn), FILE, MalformedSignIn)
    secret = _secret(fields.object("client_secret"), environment) if "client_secret" in fields else None
    role_claim, roles = _rules(fields.object("roles"), _roles)
    agency_claim, agencies = _rules(fields.object("agency"), _agency) if "agency" in fields else (None, {})
    scopes = tuple(fields.items("scopes", 32)) if "scopes" in fields else ("openid",)
    if "openid" not in scopes or not all(isinstance(s, str) and _SCOPE.fullmatch(s) for s in scopes):
        raise MalformedSignIn(f"{FILE}: want scopes, openid among them, got others")
    settings = SignInSettings(
        check_url(fields.text("issuer", 1_000)),
        fields.text("client_id", 200),
        secret,
        scopes,
        role_claim,
        roles,
        agency_claim,
        agencies,
        fields.matching("name", _CLAIM, "a claim") if "name" in fields else None,
    )
    fields.done()
    return settings


def check_url(url: str) -> str:
    """Return a provider's URL; MalformedSignIn unless it is https, or http on this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        is_plain = url.isascii() and url.isprintable() and " " not in url and parts.port != 0
    except ValueError:
        host, is_plain = "", False
    is_safe = is_plain and (parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host)))
    if not host or not is_safe or parts.username is not None or parts.fragment:
        raise MalformedSignIn(f"{FILE}: want an address that begins with https://, got {url[:80]!r}")
    return url


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _secret(fields: Fields, environment: Mapping[str, str]) -> str:
    if "env" in fields:
        name = fields.matching("env", _ENV, "the name of a variable")
        secret = environment.get(name, "")
    else:
        name = fields.text("file", 1_000)
        try:
            with Path(name).open("rb") as file:
                secret = file.read(MAX_SECRET_BYTES + 1).decode("ascii").strip()
        except (OSError, ValueError) as exc:
            raise MalformedSignIn(f"{FILE}: want a secret in {name}, got none that can be read") from exc
    fields.done()
    if not 0 < len(secret) <= MAX_SECRET_BYTES:
        raise MalformedSignIn(f"{FILE}: want a secret in {name}, got {len(secret)} characters")
    return secret


def _rules(fields: Fields, read: Any) -> tuple[str, dict[str, Any]]:
    claim = fields.matching("claim", _CLAIM, "a claim")
    rules = fields.take("of")
    if not isinstance(rules, dict) or not 0 < len(rules) <= MAX_RULES:
        raise fields.fail("of", f"1 to {MAX_RULES} values and what they give", rules)
    found = {}
    for value, given in rules.items():
        if not isinstance(value, str) or not 0 < len(value) <= 1_000:
            raise fields.fail("of", "texts as values", value)
        found[value] = read(given)
    fields.done()
    return claim, found


def _roles(given: Any) -> frozenset[Role]:
    if not isinstance(given, list) or not 0 < len(given) <= len(ROLES):
        raise MalformedSignIn(f"{FILE}: want a list of roles, got {str(given)[:40]!r}")
    try:
        return frozenset(parse_role(str(role)) for role in given)
    except MalformedAccount as exc:
        raise MalformedSignIn(f"{FILE}: {exc}") from exc


def _agency(given: Any) -> str:
    if not isinstance(given, str) or not 0 < len(given) <= 128:
        raise MalformedSignIn(f"{FILE}: want an agency's name, got {str(given)[:40]!r}")
    return given


def _values(claim: Any) -> list[str]:
    items = claim if isinstance(claim, list) else [claim]
    return [item for item in items[:1_000] if isinstance(item, str)]
