// Checkpoints (C2SP tlog-checkpoint): what a log signs about its tree.

import { hex, parseBase64, parseDecimal, type Bytes } from "./bytes.js";
import { Malformed, show } from "./errors.js";
import { EMPTY_ROOT_HEX, HASH_BYTES } from "./merkle.js";

export interface Checkpoint {
  readonly origin: string;
  readonly size: bigint;
  readonly root: Bytes;
  readonly extensions: readonly string[]; // allowed by the format; they mean nothing here
}

/** Parse the text of a checkpoint note, without signatures. */
export function parseCheckpoint(text: string): Checkpoint {
  const code = "malformed-checkpoint";
  const fail = (message: string) => new Malformed(code, message);
  if (!text.endsWith("\n")) throw fail("checkpoint: want a text that ends in a newline, got another");
  const [origin, sizeText, rootText, ...extensions] = text.split("\n").slice(0, -1);
  if (origin === undefined || sizeText === undefined || rootText === undefined) {
    throw fail("checkpoint: want origin, size and root lines, got fewer");
  }
  const size = parseDecimal("tree size", sizeText, code);
  const root = parseBase64("root hash", rootText, code, HASH_BYTES);
  if (origin === "" || /[\x00-\x1f\x7f]/.test(origin)) {
    throw fail(`origin: want one line that is not empty, got ${show(origin)}`);
  }
  if (size === 0n && hex(root) !== EMPTY_ROOT_HEX) throw fail(`root of size 0: want ${EMPTY_ROOT_HEX}, got another`);
  if (extensions.includes("")) throw fail("extension lines: want none that is empty, got one");
  return { origin, size, root, extensions };
}
