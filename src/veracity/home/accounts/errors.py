"""Errors of accounts: who is not known, and who may not."""

from veracity.errors import Malformed, Rejected, Unavailable, VeracityError


class AccountError(VeracityError):
    """Root of the errors of accounts."""

    code = "account-error"


class SignInNeeded(AccountError, Rejected):
    """What was asked for needs an account, and the request names none."""

    code = "sign-in-needed"


class BadCredential(AccountError, Rejected):
    """The token or the session is unknown, expired or revoked."""

    code = "bad-credential"


class RoleNeeded(AccountError, Rejected):
    """The account has none of the roles that may do this."""

    code = "role-needed"


class FeedNotAllowed(AccountError, Rejected):
    """The account's token is not for this feed."""

    code = "feed-not-allowed"


class MalformedAccount(AccountError, Malformed):
    """A name, role, agency, feed or time of an account or token is not one."""

    code = "malformed-account"


class UnknownAccount(AccountError, Malformed):
    """No account has this name."""

    code = "unknown-account"


class AccountExists(AccountError, Malformed):
    """An account of this name is there; its roles can be changed."""

    code = "account-exists"


class DoesNotFit(AccountError, Rejected):
    """No such agency or feed, roles that the account has not, or one account or token too many."""

    code = "does-not-fit"


class UnknownToken(AccountError, Malformed):
    """No token has this identifier."""

    code = "unknown-token"


class MalformedJournal(AccountError, Malformed):
    """A list of writes over the network is none."""

    code = "malformed-journal"


class SignInLost(AccountError, Rejected):
    """What came back from the provider is of no sign-in that began in this browser."""

    code = "sign-in-lost"


class SignInRefused(AccountError, Rejected):
    """The provider did not say who somebody is, or says that it is nobody who may come in."""

    code = "sign-in-refused"


class ProviderUnreachable(AccountError, Unavailable):
    """The provider that people sign in with does not answer as it should."""

    code = "provider-unreachable"


class MalformedSignIn(AccountError, Malformed):
    """The settings for signing in are not set down as they should be."""

    code = "malformed-sign-in"


class NoSignIn(AccountError, Malformed):
    """The city has no provider to sign in with."""

    code = "no-sign-in"
