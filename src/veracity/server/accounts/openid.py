"""OpenID Connect as we speak it: the code flow with PKCE, state and nonce (Core 1.0, RFC 7636).

Signatures and keys are for ``joserfc``. What a provider answers is bounded in size and time, never followed
elsewhere, and believed only where it is what was asked for.
"""

import hashlib
import hmac
import json
import threading
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import urllib3
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from veracity.home.accounts.errors import MalformedSignIn, ProviderUnreachable, SignInRefused
from veracity.home.accounts.sessions import SignIn
from veracity.home.accounts.sign_in_settings import SignInSettings, check_url

ALGORITHMS = ["RS256", "PS256", "ES256", "Ed25519"]  #: never none, nor one with a shared secret
MAX_ANSWER_BYTES = 262_144
KEPT_S = 3_600.0  #: how long a provider's description and keys are kept
RETRY_S = 60.0  #: how soon keys are asked for again because of one that is not among them
LEEWAY_S = 60
_TIMEOUT = urllib3.Timeout(connect=5.0, read=5.0, total=10.0)


@dataclass(frozen=True)
class Described:
    """What a provider says of itself (OpenID Connect Discovery 1.0)."""

    authorization: str
    token: str
    userinfo: str | None
    keys: str
    takes_basic: bool
    names_itself: bool  # in what it sends back (RFC 9207)


class Provider:
    """The provider of one city. Safe to use from many threads."""

    def __init__(self, settings: SignInSettings) -> None:
        self.settings = settings
        self._pool = urllib3.PoolManager(num_pools=2, maxsize=4, timeout=_TIMEOUT, retries=False)
        self._lock = threading.Lock()
        self._described: tuple[float, Described] | None = None
        self._keys: tuple[float, KeySet] | None = None

    def address(self, sign_in: SignIn, redirect_uri: str, now_s: float) -> str:
        """Return where the browser is sent to sign in."""
        challenge = urlsafe_b64encode(hashlib.sha256(sign_in.verifier.encode()).digest()).rstrip(b"=")
        asked = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": redirect_uri,
            "scope": " ".join(self.settings.scopes),
            "state": sign_in.state,
            "nonce": sign_in.nonce,
            "code_challenge": challenge.decode(),
            "code_challenge_method": "S256",
        }
        url = self.described(now_s).authorization
        return f"{url}{'&' if urlsplit(url).query else '?'}{urlencode(asked)}"

    def claims(
        self, code: str, issuer: str | None, sign_in: SignIn, redirect_uri: str, now_s: float
    ) -> Mapping[str, Any]:
        """Return what the provider says of who signed in, checked.

        Raises
        ------
        SignInRefused
            If the code is not taken, or the identity token is not for this sign-in.
        ProviderUnreachable
            If it does not answer as it should.
        """
        described = self.described(now_s)
        if (issuer is not None or described.names_itself) and issuer != self.settings.issuer:
            raise SignInRefused("sign-in: want the answer of our provider, got another's")
        asked = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": sign_in.verifier,
        }
        headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
        secret = self.settings.client_secret
        if secret is not None and described.takes_basic:
            pair = f"{quote(self.settings.client_id, safe='')}:{quote(secret, safe='')}"
            headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        else:
            asked |= {"client_id": self.settings.client_id} | (
                {} if secret is None else {"client_secret": secret}
            )
        status, answer = self._ask("POST", described.token, headers, urlencode(asked))
        token, access = answer.get("id_token"), answer.get("access_token")
        if status != 200 or not isinstance(token, str):
            raise SignInRefused("sign-in: want a code that the provider takes, got one that it does not")
        claims = self._identity(token, sign_in.nonce, now_s)
        if described.userinfo is not None and isinstance(access, str) and self._lacks(claims):
            claims |= self._more(described.userinfo, access, str(claims["sub"]))
        return claims

    def described(self, now_s: float) -> Described:
        """Return what the provider says of itself, asked for once an hour; ProviderUnreachable."""
        with self._lock:
            kept = self._described
        if kept is not None and now_s - kept[0] < KEPT_S:
            return kept[1]
        url = self.settings.issuer.rstrip("/") + "/.well-known/openid-configuration"
        status, said = self._ask("GET", url)
        if status != 200 or said.get("issuer") != self.settings.issuer:
            raise ProviderUnreachable(f"sign-in: want the description of {self.settings.issuer}, got another")
        methods = said.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        described = Described(
            _endpoint(said, "authorization_endpoint"),
            _endpoint(said, "token_endpoint"),
            _endpoint(said, "userinfo_endpoint") if "userinfo_endpoint" in said else None,
            _endpoint(said, "jwks_uri"),
            isinstance(methods, list) and "client_secret_basic" in methods,
            said.get("authorization_response_iss_parameter_supported") is True,
        )
        with self._lock:
            self._described = now_s, described
        return described

    def _identity(self, token: str, nonce: str, now_s: float) -> dict[str, Any]:
        """Return the claims of an identity token (OpenID Connect Core 1.0, section 3.1.3.7)."""
        try:
            try:
                found = jwt.decode(token, self._key_set(now_s), algorithms=ALGORITHMS)
            except (ValueError, JoseError):  # signed by a key that came since, perhaps
                found = jwt.decode(token, self._key_set(now_s, RETRY_S), algorithms=ALGORITHMS)
            claims = dict(found.claims)
            checks = jwt.JWTClaimsRegistry(
                now=int(now_s),
                leeway=LEEWAY_S,
                iss={"essential": True, "value": self.settings.issuer},
                aud={"essential": True, "value": self.settings.client_id},
                sub={"essential": True},
                exp={"essential": True},
                iat={"essential": True},
                nonce={"essential": True},
            )
            checks.validate(claims)
        except (JoseError, ValueError, TypeError, KeyError) as exc:
            raise SignInRefused(
                "sign-in: want an identity signed by the provider for us, got another"
            ) from exc
        audience, subject, said = claims["aud"], claims["sub"], claims["nonce"]
        is_ours = audience == self.settings.client_id or claims.get("azp") == self.settings.client_id
        several = isinstance(audience, list) and len(audience) > 1
        if (several and not is_ours) or not (isinstance(subject, str) and 0 < len(subject) <= 255):
            raise SignInRefused("sign-in: want an identity for us alone, got another")
        if not (isinstance(said, str) and hmac.compare_digest(said.encode(), nonce.encode())):
            raise SignInRefused("sign-in: want the identity of this sign-in, got that of another")
        return claims

    def _key_set(self, now_s: float, longest_s: float = KEPT_S) -> KeySet:
        with self._lock:
            kept = self._keys
        if kept is not None and now_s - kept[0] < longest_s:
            return kept[1]
        status, said = self._ask("GET", self.described(now_s).keys)
        try:
            if status != 200:
                raise ValueError("no keys")
            keys = KeySet.import_key_set(said)  # type: ignore[arg-type]
        except (JoseError, ValueError, TypeError, KeyError) as exc:
            raise ProviderUnreachable("sign-in: want the provider's keys, got something else") from exc
        with self._lock:
            self._keys = now_s, keys
        return keys

    def _lacks(self, claims: Mapping[str, Any]) -> bool:
        wanted = (self.settings.role_claim, self.settings.agency_claim, self.settings.name_claim)
        return any(name is not None and name not in claims for name in wanted)

    def _more(self, url: str, access: str, subject: str) -> dict[str, Any]:
        """Return the claims that the provider tells only when asked; of the same person, or SignInRefused."""
        status, said = self._ask("GET", url, {"Authorization": f"Bearer {access}"})
        if status != 200 or said.get("sub") != subject:
            raise SignInRefused("sign-in: want more of the same person, got another answer")
        return {name: value for name, value in said.items() if name not in {"iss", "aud", "exp", "nonce"}}

    def _ask(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, body: str | None = None
    ) -> tuple[int, dict[str, Any]]:
        try:
            answer = self._pool.request(
                method, url, headers=headers, body=body, redirect=False, preload_content=False
            )
            try:
                data = answer.read(MAX_ANSWER_BYTES + 1, decode_content=True)
            finally:
                answer.close()
            document = json.loads(data) if len(data) <= MAX_ANSWER_BYTES else None
        except (urllib3.exceptions.HTTPError, OSError) as exc:
            host = urlsplit(url).hostname
            raise ProviderUnreachable(f"sign-in: want an answer of {host}, got {type(exc).__name__}") from exc
        except (ValueError, RecursionError):
            document = None
        if not isinstance(document, dict):
            raise ProviderUnreachable("sign-in: want a JSON object of the provider, got something else")
        return answer.status, document


def _endpoint(said: Mapping[str, Any], name: str) -> str:
    url = said.get(name)
    try:
        return check_url(url if isinstance(url, str) else "")
    except MalformedSignIn as exc:
        raise ProviderUnreachable(f"sign-in: want {name} at https://, got another") from exc
