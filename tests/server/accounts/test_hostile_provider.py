"""What a provider says counts only where it is signed by its keys, for us, for this sign-in, and bounded."""

import hmac
import json
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey, OKPKey, RSAKey

from veracity.errors import VeracityError
from veracity.home.accounts.errors import MalformedSignIn, ProviderUnreachable, SignInRefused
from veracity.home.accounts.sessions import SignIn
from veracity.home.accounts.sign_in_settings import parse_sign_in
from veracity.server.accounts.openid import KEPT_S, MAX_ANSWER_BYTES, Provider

SIGN_IN = SignIn("state", "browser", "the nonce", "verifier")
BACK = "https://city.example/back"
NOW = time.time()
RSA = RSAKey.generate_key(2048, {"kid": "rsa"}, auto_kid=False)
EC = ECKey.generate_key("P-256", {"kid": "ec"}, auto_kid=False)
ED = OKPKey.generate_key("Ed25519", {"kid": "ed"}, auto_kid=False)
OTHER = RSAKey.generate_key(2048, {"kid": "rsa"}, auto_kid=False)
ROLES = "roles: {claim: groups, of: {operators: [operator]}}\n"


class Fake:
    """A provider that says what a test wants."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.bodies: dict[str, bytes] = {}
        self.status = 200
        self.keys: list[Any] = [RSA, EC, ED]
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", "0")))
                fake.paths.append(self.path)
                body = fake.bodies.get(self.path) or json.dumps(fake.answer(self.path)).encode()
                status = 302 if body == b"redirect" else fake.status
                self.send_response(status)
                self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self.server.server_port}"
        self.claims = {
            "iss": self.issuer, "aud": "us", "sub": "lan", "nonce": SIGN_IN.nonce, "iat": int(NOW),
            "exp": int(NOW) + 300, "groups": ["operators"],
        }  # fmt: skip
        self.token = self.signed()
        self.says: dict[str, Any] = {}

    def signed(self, key: Any = RSA, algorithm: str = "RS256", **changed: Any) -> str:
        claims = {k: v for k, v in (self.claims | changed).items() if v is not None}
        header = {"alg": algorithm, "kid": key.kid} if key.kid else {"alg": algorithm}
        return jwt.encode(header, claims, key, algorithms=[algorithm])

    def answer(self, path: str) -> Any:
        if path == "/keys":
            return KeySet([*self.keys]).as_dict(private=False)
        if path == "/token":
            return {"id_token": self.token, "access_token": "x", "token_type": "Bearer"}
        if path == "/more":
            return {"sub": "minh", "groups": ["operators"]}
        return {
            "issuer": self.issuer, "authorization_endpoint": f"{self.issuer}/auth",
            "token_endpoint": f"{self.issuer}/token", "jwks_uri": f"{self.issuer}/keys", **self.says,
        }  # fmt: skip

    def provider(self) -> Provider:
        return Provider(parse_sign_in(f"issuer: {self.issuer}\nclient_id: us\n{ROLES}".encode()))

    def claimed(self) -> dict[str, Any]:
        return dict(self.provider().claims("code", None, SIGN_IN, BACK, NOW))


@pytest.fixture
def fake() -> Iterator[Fake]:
    made = Fake()
    thread = threading.Thread(target=made.server.serve_forever, args=(0.01,))
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join()


@pytest.mark.parametrize(
    ("key", "algorithm"), [(RSA, "RS256"), (RSA, "PS256"), (EC, "ES256"), (ED, "Ed25519")]
)
def test_signed_as_it_should_be(fake: Fake, key: Any, algorithm: str) -> None:
    """An identity signed by any of the provider's keys in a good algorithm counts."""
    fake.token = fake.signed(key, algorithm)
    assert fake.claimed()["sub"] == "lan"


def unsigned(fake: Fake) -> str:
    head, body, _ = fake.signed().split(".")
    assert head
    return "eyJhbGciOiJub25lIn0." + body + "."


def confused(fake: Fake) -> str:
    """Signed with what everyone has: the public key, as if it were a secret that both share."""
    head = urlsafe_b64encode(b'{"alg":"HS256","kid":"rsa"}').rstrip(b"=").decode()
    text = f"{head}.{fake.signed().split('.')[1]}"
    mac = hmac.digest(RSA.as_pem(private=False), text.encode(), "sha256")
    return f"{text}.{urlsafe_b64encode(mac).rstrip(b'=').decode()}"


WRONG: dict[str, Callable[[Fake], str]] = {
    "another's key of the same name": lambda f: f.signed(OTHER),
    "no signature": unsigned,
    "a shared secret": lambda f: f.signed(OctKey.import_key("us" * 20), "HS256"),
    "the public key as a secret": confused,
    "another issuer": lambda f: f.signed(iss="https://evil.example"),
    "another audience": lambda f: f.signed(aud="them"),
    "us among others": lambda f: f.signed(aud=["us", "them"], azp="them"),
    "another nonce": lambda f: f.signed(nonce="another"),
    "no nonce": lambda f: f.signed(nonce=None),
    "a nonce that is no text": lambda f: f.signed(nonce=["the nonce"]),
    "expired": lambda f: f.signed(exp=int(NOW) - 100),
    "no end": lambda f: f.signed(exp=None),
    "an end that is no number": lambda f: f.signed(exp="soon"),
    "of tomorrow": lambda f: f.signed(iat=int(NOW) + 86_400),
    "nobody": lambda f: f.signed(sub=None),
    "nobody named": lambda f: f.signed(sub=""),
    "a long name": lambda f: f.signed(sub="x" * 256),
    "somebody who is no text": lambda f: f.signed(sub=17),
    "no token": lambda _: "x",
    "half a token": lambda f: f.signed()[:-20],
    "a changed token": lambda f: f.signed().replace(".", ".e", 1),
}


@pytest.mark.parametrize("name", WRONG)
def test_signed_for_another(fake: Fake, name: str) -> None:
    """An identity that is not signed by the provider, for us, for this sign-in, now, is refused."""
    fake.token = WRONG[name](fake)
    with pytest.raises(SignInRefused):
        fake.claimed()


def test_more_is_of_the_same_person(fake: Fake) -> None:
    """Claims that are asked for besides must be of who signed in."""
    fake.says["userinfo_endpoint"] = f"{fake.issuer}/more"
    fake.token = fake.signed(groups=None)
    with pytest.raises(SignInRefused):
        fake.claimed()
    fake.bodies["/more"] = json.dumps({"sub": "lan", "groups": ["x"], "iss": "evil", "nonce": "n"}).encode()
    claims = fake.claimed()
    assert (claims["groups"], claims["iss"]) == (["x"], fake.issuer)


@pytest.mark.parametrize(
    "body",
    [
        b"redirect",
        b"not json",
        b"[]",
        b"[" * 100_000,
        b'{"x": "' + b"x" * MAX_ANSWER_BYTES + b'"}',
        b"\xff\xfe",
    ],
    ids=["redirect", "text", "list", "deep", "large", "bytes"],
)
@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/token", "/keys"])
def test_answers_are_bounded(fake: Fake, path: str, body: bytes) -> None:
    """What is no small JSON object is no answer, and nobody is followed elsewhere."""
    fake.bodies[path] = body
    with pytest.raises(VeracityError) as caught:
        fake.claimed()
    assert isinstance(caught.value, ProviderUnreachable | SignInRefused)
    assert "/elsewhere" not in fake.paths


@pytest.mark.parametrize(
    "said",
    [
        {"issuer": "https://evil.example"},
        {"token_endpoint": "http://169.254.169.254/latest/meta-data"},
        {"token_endpoint": "file:///etc/passwd"},
        {"jwks_uri": None},
        {"authorization_endpoint": "https://user:secret@id.example/"},
        {"userinfo_endpoint": ["https://id.example"]},
    ],
)
def test_a_description_that_leads_astray(fake: Fake, said: dict[str, Any]) -> None:
    """A provider that is another, or leads to addresses that are not https, is not believed."""
    fake.says |= said
    with pytest.raises(ProviderUnreachable):
        fake.claimed()


def test_a_new_key_is_asked_for(fake: Fake) -> None:
    """A key that came since is found, but keys are not asked for at every forged token."""
    fake.keys = [EC]
    provider = fake.provider()
    fake.token = fake.signed(EC, "ES256")
    provider.claims("code", None, SIGN_IN, BACK, NOW)
    fake.token, fake.keys = fake.signed(), [RSA, EC]
    with pytest.raises(SignInRefused):
        provider.claims("code", None, SIGN_IN, BACK, NOW + 1)
    assert provider.claims("code", None, SIGN_IN, BACK, NOW + 61)["sub"] == "lan"
    for i in range(5):
        fake.token = fake.signed(OTHER)
        with pytest.raises(SignInRefused):
            provider.claims("code", None, SIGN_IN, BACK, NOW + 62 + i)
    assert fake.paths.count("/keys") == 2
    assert NOW + 70 < NOW + KEPT_S


def test_a_provider_that_is_away(fake: Fake) -> None:
    """A provider that cannot be reached is said to be that."""
    provider = Provider(parse_sign_in(f"issuer: http://127.0.0.1:1\nclient_id: us\n{ROLES}".encode()))
    with pytest.raises(ProviderUnreachable):
        provider.address(SIGN_IN, BACK, NOW)
    fake.status = 503
    with pytest.raises(ProviderUnreachable):
        fake.provider().address(SIGN_IN, BACK, NOW)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        f"issuer: http://id.example\nclient_id: us\n{ROLES}",
        f"issuer: https://\nclient_id: us\n{ROLES}",
        f"issuer: https://id.example/#x\nclient_id: us\n{ROLES}",
        f"issuer: 'https://id.exa mple/'\nclient_id: us\n{ROLES}",
        f"issuer: https://id.example:99999\nclient_id: us\n{ROLES}",
        f"issuer: https://[::1\nclient_id: us\n{ROLES}",
        f"issuer: https://id.example\nclient_id: us\nclient_secret: in-clear\n{ROLES}",
        f"issuer: https://id.example\nclient_id: us\nclient_secret: {{env: NONE}}\n{ROLES}",
        f"issuer: https://id.example\nclient_id: us\nclient_secret: {{file: /none}}\n{ROLES}",
        f"issuer: https://id.example\nclient_id: us\nscopes: [profile]\n{ROLES}",
        f"issuer: https://id.example\nclient_id: us\nscopes: [openid, 'a b']\n{ROLES}",
        f"issuer: https://id.example\nclient_id: us\nextra: 1\n{ROLES}",
        "issuer: https://id.example\nclient_id: us\n",
        "issuer: https://id.example\nclient_id: us\nroles: {claim: groups, of: {a: [root]}}",
        "issuer: https://id.example\nclient_id: us\nroles: {claim: groups, of: {a: operator}}",
        "issuer: https://id.example\nclient_id: us\nroles: {claim: groups, of: {}}",
        "issuer: https://id.example\nclient_id: us\nroles: {claim: 'a b', of: {a: [viewer]}}",
        f"issuer: https://id.example\nclient_id: us\nagency: {{claim: o, of: {{a: 7}}}}\n{ROLES}",
    ],
)
def test_settings_are_strict(text: str) -> None:
    """Settings that are not as they should be are refused; a secret in the file is one of them."""
    with pytest.raises(MalformedSignIn):
        parse_sign_in(text.encode(), {})
