"""What the routes of accounts take and answer, as OpenAPI describes it."""

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from veracity.home.accounts.account import Account, Role
from veracity.home.accounts.granting import LONGEST, VALID_FOR
from veracity.home.accounts.store import KeptAccount, KeptToken
from veracity.provenance.statements.access import MAX_FEEDS

AccountName = Annotated[
    str, Field(pattern="^[a-z0-9][a-z0-9-]{0,62}[a-z0-9]$", description="No person's name.")
]
TokenId = Annotated[str, Field(pattern="^[0-9A-Za-z]{8,32}$")]
Agency = Annotated[str, Field(min_length=1, max_length=128)]
Roles = Annotated[list[Role], Field(min_length=1, max_length=6)]
Time = Annotated[str, Field(description="RFC 3339, in UTC.")]


def _whole(value: object) -> object:
    """Take 9.0 for 9: JSON has one kind of number."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


class Taken(BaseModel):
    """A body that is taken: no other names than these."""

    model_config = ConfigDict(extra="forbid", strict=True)


class RightsBody(Taken):
    """The roles and the agency that an account has from now on."""

    roles: Roles
    agency: Agency | None = None


class AccountBody(RightsBody):
    """A new account."""

    name: AccountName


class TokenBody(Taken):
    """A token that is wanted."""

    account: AccountName | None = Field(None, description="Of another account: for admins. Else one's own.")
    roles: Roles | None = Field(None, description="Some of the account's; null for all of them.")
    feeds: list[Annotated[str, Field(max_length=64)]] | None = Field(
        None, min_length=1, max_length=MAX_FEEDS, description="The only feeds it may write to; null for all."
    )
    days: Annotated[int, BeforeValidator(_whole)] = Field(VALID_FOR.days, ge=1, le=LONGEST.days)


class AccountShape(BaseModel):
    """An account."""

    name: str
    roles: list[Role]
    agency: str | None
    created_at: Time
    closed_at: Time | None
    shown: str | None = Field(description="What the provider calls who signs in with it.")

    @classmethod
    def of(cls, kept: KeptAccount) -> "AccountShape":
        """Return what is shown of an account."""
        return cls(
            name=kept.name,
            roles=sorted(kept.roles),
            agency=kept.agency,
            created_at=kept.created_at,
            closed_at=kept.closed_at,
            shown=kept.shown,
        )


class TokenShape(BaseModel):
    """A token, without its secret."""

    identifier: str
    account: str
    roles: list[Role]
    feeds: list[str] | None
    created_at: Time
    expires_at: Time
    revoked_at: Time | None
    used_at: Time | None = Field(description="To the minute.")

    @classmethod
    def of(cls, kept: KeptToken) -> "TokenShape":
        """Return what is shown of a token."""
        return cls(
            identifier=kept.identifier,
            account=kept.account,
            roles=sorted(kept.roles),
            feeds=None if kept.feeds is None else sorted(kept.feeds),
            created_at=kept.created_at,
            expires_at=kept.expires_at,
            revoked_at=kept.revoked_at,
            used_at=kept.used_at,
        )


class AccountList(BaseModel):
    """Accounts by name. ``next`` is the address of those that follow."""

    items: list[AccountShape]
    next: str | None


class TokenList(BaseModel):
    """Tokens by identifier. ``next`` is the address of those that follow."""

    items: list[TokenShape]
    next: str | None


class TokenMade(BaseModel):
    """A new token. Its text is told here and never again."""

    token: str
    identifier: str
    account: str
    expires_at: Time


class Who(BaseModel):
    """Who asks."""

    name: str
    roles: list[Role]
    agency: str | None
    feeds: list[str] | None
    came_by: Literal["token", "session"]

    @classmethod
    def of(cls, account: Account) -> "Who":
        """Return what is told of who asks."""
        return cls(
            name=account.name,
            roles=sorted(account.roles),
            agency=account.agency,
            feeds=None if account.feeds is None else sorted(account.feeds),
            came_by="session" if account.came_by == "session" else "token",
        )


class SessionShape(BaseModel):
    """Who asks, if anyone in particular, and whether people can sign in here."""

    account: Who | None
    sign_in: bool
    is_open: bool
