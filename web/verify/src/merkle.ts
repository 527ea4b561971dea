// The Merkle tree of RFC 6962; the verifiers are the algorithms of RFC 9162, sections 2.1.3.2 and 2.1.4.2.

import { equal, hex, type Bytes } from "./bytes.js";
import { Malformed, Rejected } from "./errors.js";
import { sha256 } from "./platform.js";

export const HASH_BYTES = 32;
export const MAX_PATH = 63; // no tree below 2**63 leaves needs a longer proof
export const EMPTY_ROOT_HEX = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

export async function leafHash(entry: Uint8Array): Promise<Bytes> {
  return sha256(LEAF, entry);
}

async function nodeHash(left: Bytes, right: Bytes): Promise<Bytes> {
  return sha256(NODE, left, right);
}

/** Check that `leaf`, a leaf hash, is number `index` of the `size` leaves under `root`. */
export async function verifyInclusion(
  leaf: Bytes,
  index: bigint,
  size: bigint,
  path: readonly Bytes[],
  root: Bytes,
): Promise<void> {
  checkHashes(root);
  const computed = await inclusionRoot(leaf, index, size, path);
  if (!equal(computed, root)) {
    throw new Rejected("inclusion-rejected", `root: want ${hex(root)}, got ${hex(computed)}`);
  }
}

/** The root that a path leads to from a leaf hash. */
export async function inclusionRoot(leaf: Bytes, index: bigint, size: bigint, path: readonly Bytes[]): Promise<Bytes> {
  checkHashes(leaf, ...path);
  const fail = (message: string) => new Rejected("inclusion-rejected", message);
  if (index < 0n || index >= size) throw fail(`index: want below the tree size ${size}, got ${index}`);
  let node = index;
  let last = size - 1n;
  let computed = leaf;
  for (const sibling of path) {
    if (last === 0n) throw fail(`inclusion path: want fewer than ${path.length} hashes, got ${path.length}`);
    if ((node & 1n) === 1n || node === last) {
      computed = await nodeHash(sibling, computed);
      while (node !== 0n && (node & 1n) === 0n) {
        node >>= 1n;
        last >>= 1n;
      }
    } else {
      computed = await nodeHash(computed, sibling);
    }
    node >>= 1n;
    last >>= 1n;
  }
  if (last !== 0n) throw fail(`inclusion path: want more than ${path.length} hashes, got ${path.length}`);
  return computed;
}

/** Check that the tree of `newSize` leaves begins with the tree of `oldSize` leaves. */
export async function verifyConsistency(
  oldSize: bigint,
  newSize: bigint,
  path: readonly Bytes[],
  oldRoot: Bytes,
  newRoot: Bytes,
): Promise<void> {
  checkHashes(oldRoot, newRoot, ...path);
  const fail = (message: string) => new Rejected("consistency-rejected", message);
  if (oldSize < 0n || oldSize > newSize) throw fail(`old size: want at most the new size ${newSize}, got ${oldSize}`);
  if (oldSize === 0n || oldSize === newSize) {
    if (path.length > 0) throw fail(`consistency path: want no hashes, got ${path.length}`);
    if (oldSize === newSize && !equal(oldRoot, newRoot)) throw fail("root at equal sizes: want the same, got another");
    for (const [size, root] of [[oldSize, oldRoot], [newSize, newRoot]] as const) {
      if (size === 0n && hex(root) !== EMPTY_ROOT_HEX) throw fail(`root of the empty tree: got ${hex(root)}`);
    }
    return;
  }
  const hashes = (oldSize & (oldSize - 1n)) === 0n ? [oldRoot, ...path] : path;
  const first = hashes[0];
  if (first === undefined) throw fail("consistency path: want at least one hash, got none");
  let node = oldSize - 1n;
  let last = newSize - 1n;
  while ((node & 1n) === 1n) {
    node >>= 1n;
    last >>= 1n;
  }
  let older = first;
  let newer = first;
  for (const sibling of hashes.slice(1)) {
    if (last === 0n) throw fail(`consistency path: want fewer than ${path.length} hashes, got ${path.length}`);
    if ((node & 1n) === 1n || node === last) {
      older = await nodeHash(sibling, older);
      newer = await nodeHash(sibling, newer);
      while (node !== 0n && (node & 1n) === 0n) {
        node >>= 1n;
        last >>= 1n;
      }
    } else {
      newer = await nodeHash(newer, sibling);
    }
    node >>= 1n;
    last >>= 1n;
  }
  if (last !== 0n) throw fail(`consistency path: want more than ${path.length} hashes, got ${path.length}`);
  if (!equal(older, oldRoot)) throw fail(`old root: want ${hex(oldRoot)}, got ${hex(older)}`);
  if (!equal(newer, newRoot)) throw fail(`new root: want ${hex(newRoot)}, got ${hex(newer)}`);
}

function checkHashes(...hashes: readonly Bytes[]): void {
  if (hashes.length > MAX_PATH + 3) throw new Malformed("malformed-hash", `path: want at most ${MAX_PATH} hashes`);
  for (const value of hashes) {
    if (value.length !== HASH_BYTES) throw new Malformed("malformed-hash", `hash: want 32 bytes, got ${value.length}`);
  }
}
