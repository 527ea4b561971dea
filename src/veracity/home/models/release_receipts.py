"""The receipt of what serves a system: shows, without the home, that these files were released."""

from veracity.home.errors import BadName, RecordNotFound
from veracity.home.home import Home
from veracity.home.models.stages import in_force
from veracity.home.receipts import proven_entry, proven_keys
from veracity.provenance.receipts import Receipt


def make_release_receipt(home: Home, system: str) -> tuple[str, Receipt]:
    """Return the digest of the model that serves a system now, and the receipt of its release.

    Raises
    ------
    BadName
        If nothing serves it.
    RecordNotFound
        If the release is not published yet.
    """
    serving = in_force(home, system)
    if serving is None:
        raise BadName(f"release: want a system that a model serves, got {system[:80]!r}")
    reader = home.published()
    if serving.idx >= reader.size:
        raise RecordNotFound(
            f"receipt: want an entry that is published, got entry {serving.idx} of {reader.size}: its"
            " witnesses have not cosigned it yet (veracity log publish)"
        )
    stated = proven_entry(reader, serving.idx)
    approval = serving.release.approval
    signed = [stated.envelope, *([] if approval is None else [approval])]
    keys, revocations = proven_keys(home, reader, signed, serving.idx)
    return serving.model_sha256, Receipt(stated=stated, keys=keys, revocations=revocations)
