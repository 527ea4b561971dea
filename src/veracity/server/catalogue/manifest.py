"""The manifest of a version: its files and counts, and the proof that the log knows its last batch."""

from typing import Any

from veracity.home.home import Home
from veracity.home.panels import snapshot_lines
from veracity.home.receipts import proven_entry
from veracity.log.errors import ObjectMissing
from veracity.server.catalogue.downloads import describe_file
from veracity.server.catalogue.formats import FORMATS
from veracity.server.catalogue.snapshots import Snapshot
from veracity.server.catalogue.spool import Spool
from veracity.server.contract_about import about

SCHEMA = "veracity.dataset-manifest/v1"
MAX_BATCHES = 10_000  #: batches listed


def manifest(home: Home, spool: Spool, url: str, snap: Snapshot) -> dict[str, Any]:
    """Return the manifest of a version; its files are made if they are not known.

    ``snapshot.sha256`` is SHA-256 over one line a batch with rows, ``<batch> <sha256>`` and a newline; each
    batch's ``sha256`` is signed in its own statement, and is the digest of the file's rows with that
    ``_batch``, in the columns ``snapshot.columns``.
    """
    base = f"{url}/catalogue/{snap.feed}/{snap.version}"
    lines = [
        line.decode().split() for batch, line in snapshot_lines(home, snap.feed) if batch <= snap.version
    ]
    files = []
    for suffix, form in FORMATS.items():
        made = describe_file(home, spool, snap, suffix)
        files.append(
            {
                "name": f"rows.{suffix}",
                "url": f"{base}/rows.{suffix}",
                "media_type": form.media_type,
                "bytes": made.n_bytes,
                "sha256": made.sha256,
                "rows": snap.n_rows,
            }
        )
    return {
        "schema": SCHEMA,
        "feed": snap.feed,
        "version": snap.version,
        "title": snap.contract.title,
        "licence": about(snap.contract).licence,
        "agency": snap.contract.agency,
        "simulated": snap.simulated,
        "as_of": snap.received_at,
        "counts": {"rows": snap.n_rows, "batches": snap.n_batches},
        "contract": {
            "version": snap.contract.version,
            "sha256": snap.contract.sha256,
            "entry": snap.contract_entry,
            "url": f"{url}/catalogue/{snap.feed}/contract/{snap.contract.sha256}.yaml",
        },
        "snapshot": {
            "sha256": snap.sha256,
            "columns": [*(f.name for f in snap.contract.fields), "_record", "_batch"],
            "batches": [{"batch": int(b), "sha256": digest} for b, digest in lines]
            if len(lines) <= MAX_BATCHES
            else None,
        },
        "files": files,
        "croissant": f"{base}/croissant.json",
        "receipts": f"{url}/receipts/{snap.feed}/{{_batch}}/{{_record}}",
        "log": _proof(home, snap.entry),
    }


def _proof(home: Home, entry: int) -> dict[str, Any]:
    """Return the statement at a log entry with its proof under the checkpoint published, if it is in it."""
    said: dict[str, Any] = {"origin": home.directory.origin, "entry": entry}
    try:
        reader = home.published()
    except ObjectMissing:
        return said | {"checkpoint": None, "receipt": None}
    is_published = entry < reader.size
    return said | {
        "checkpoint": reader.checkpoint_note.decode(),
        "receipt": proven_entry(reader, entry).to_object() if is_published else None,
    }
