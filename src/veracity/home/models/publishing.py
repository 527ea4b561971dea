"""The home's publishing key: it signs the files of models, as OpenSSF Model Signing does.

The private half is ``keys/publishing.pem`` (mode 0600), made when a model is first trained. The public half
lies in the store by its digest, which each model's ``model.json`` names; so the log pins it.
"""

import os
from hashlib import sha256

from veracity.home.directory import usable
from veracity.home.home import Home, Writer
from veracity.log.errors import ObjectMissing
from veracity.models.errors import ModelAltered
from veracity.provenance.errors import MalformedSigningKey
from veracity.provenance.publishing_keys import PublishingKey, PublishingPublicKey

FILE = "publishing.pem"


def publishing_key(home: Writer) -> PublishingKey:
    """Return the home's publishing key, made if there is none; its public half is in the store after this.

    Raises
    ------
    KeyUnavailable, ExposedKey, MalformedSigningKey, HomeUnusable
        If there is one that cannot be used, or none can be made.
    """
    path = home.directory.keys / FILE
    if not os.path.lexists(path):
        with usable(home.directory.root):
            PublishingKey.generate().write(path)
    key = PublishingKey.read(path)
    stored = public_path(key.public.hint)
    if not home.objects.exists(stored):
        home.objects.put(stored, key.public.to_pem())
    return key


def publishing_public_key(home: Home, hint: str) -> PublishingPublicKey:
    """Return the public half whose PEM has this digest; ModelAltered if the store has another or none."""
    try:
        pem = home.objects.get(public_path(hint))
        if (digest := sha256(pem).hexdigest()) != hint:
            raise ModelAltered(f"publishing key: want one of digest {hint[:16]}, got {digest[:16]}")
        return PublishingPublicKey.from_pem(pem)
    except (ObjectMissing, MalformedSigningKey) as exc:
        raise ModelAltered(f"publishing key: want one of digest {hint[:16]}, got: {exc}") from exc


def public_path(hint: str) -> str:
    """Return where the public half of a publishing key is kept."""
    return f"keys/{hint}.pem"
