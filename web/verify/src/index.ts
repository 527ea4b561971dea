// @veracity/verify: a receipt and a trust policy in, what was checked out. No dependency, no server, no DOM.

export { fromUtf8, toBase64, type Bytes } from "./bytes.js";
export { parseCheckpoint, type Checkpoint } from "./checkpoints.js";
export { openEnvelope, pae, verifyEnvelope, type Envelope, type PublicKey } from "./envelope.js";
export { Malformed, ReceiptRejected, Rejected, Unsupported, VerifyError } from "./errors.js";
export { parseVkey, type NoteKey } from "./keys.js";
export { leafHash, verifyConsistency, verifyInclusion } from "./merkle.js";
export { openNote, parseNote, type Note, type OpenedNote } from "./notes.js";
export { hasEd25519 } from "./platform.js";
export { checkPolicy, parsePolicy, type Accepted, type Policy } from "./policy.js";
export { MAX_RECEIPT_BYTES, parseReceipt, type Receipt, type Value } from "./receipt.js";
export { parseStatement, type Statement, type Subject } from "./statements/statement.js";
export { parseJson, type Json } from "./strict_json.js";
export { parseBundle, parseTilePath, splitTile, type TilePath } from "./tiles.js";
export { parseProof, verifyProof, type TlogProof } from "./tlog_proof.js";
export { verifyReceipt, type DecisionEvidence, type RecordEvidence, type Step, type Verification } from "./verification.js";
