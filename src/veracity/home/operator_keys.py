"""The operator's key and the one that is to replace it: which of the two is in its place.

The new key waits as ``operator-<8 of its key ID>`` until the log says that it counts. Then the files
change places, and the old one goes to ``ended/``. A crash before the log has it leaves a key that
nobody knows; after one between the two, whoever opens the home next does what is left.
"""

from veracity.home.directory import Directory
from veracity.home.key_care import add_reference, usable_key
from veracity.home.key_places import OPERATOR_KEY, KeyPlace, open_key, open_reference
from veracity.home.passphrases import passphrase
from veracity.provenance.agencies import Agencies
from veracity.provenance.keys import MessageSigner, PublicKey, SigningKey
from veracity.provenance.secret_files import sync_directory, write_secret

OPERATOR = "operator"


def open_operator(directory: Directory, agencies: Agencies) -> MessageSigner:
    """Open the operator's key, after putting the one that the log has last in its place."""
    place = KeyPlace(directory.keys, OPERATOR_KEY)
    keys = agencies.enrolled(OPERATOR)
    coming = _waiting(directory, keys[-1].key) if keys else None
    if coming is not None and coming.held():
        before = next(a.key.keyid[:8] for a in reversed(keys) if a.ended_by == "rotate")
        ended = directory.keys / "ended"
        with usable_key(place):
            ended.mkdir(mode=0o700, exist_ok=True)
            for path in place.held():
                path.replace(ended / f"operator-{before}{path.suffix}")
            sync_directory(ended)
            for path in coming.held():
                path.replace(place.form(path.suffix))
            sync_directory(directory.keys)
    return open_key(place)


def write_next(directory: Directory, reference: str | None) -> tuple[KeyPlace, MessageSigner]:
    """Write the key that is to come: a new one, held as the old one is, or that at a reference."""
    if reference is not None:
        key = open_reference(reference, directory.keys)
        place = _waiting(directory, key.public)
        return place, add_reference(place, reference)
    made = SigningKey.generate()
    place = _waiting(directory, made.public)
    old = KeyPlace(directory.keys, OPERATOR_KEY)
    with usable_key(place):
        if old.held()[:1] == [old.p12]:
            write_secret(place.p12, made.to_pkcs12(passphrase("passphrase of the new operator's key")))
        else:
            write_secret(place.plain, made.to_pem())
    return place, made


def _waiting(directory: Directory, public: PublicKey) -> KeyPlace:
    return KeyPlace(directory.keys, f"{OPERATOR_KEY}-{public.keyid[:8]}")
