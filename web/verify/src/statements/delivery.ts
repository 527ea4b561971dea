// `delivery`: an agency says, file in hand, "this is what we sent". It travels inside `ingest`.

import { readFileDigest, type FileDigest } from "./parts.js";
import { checkSubjects, EVIDENCE_ROOT, FEED, FEED_NAME, predicateOf, SHA256, type Statement } from "./statement.js";

export interface Delivery {
  readonly kind: "delivery";
  readonly feed: string;
  readonly file: FileDigest;
  readonly evidence: {
    readonly root: string; // over the parts' roots, each standing as a leaf hash
    readonly nParts: number;
    readonly nRecords: number;
    readonly recordsPerPage: number;
  };
}

export function readDelivery(statement: Statement): Delivery {
  const fields = predicateOf(statement, "delivery");
  const feed = fields.matching("feed", FEED_NAME, FEED);
  const named = fields.object("file");
  const file = readFileDigest(named);
  named.done();
  const inner = fields.object("evidence");
  const evidence = {
    root: inner.sha256("root"),
    nParts: inner.count("n_parts", 1),
    nRecords: inner.count("n_records"),
    recordsPerPage: inner.count("records_per_page", 1),
  };
  inner.count("records_per_part", 1);
  inner.done();
  fields.done();
  checkSubjects(statement, [SHA256, file.sha256], [EVIDENCE_ROOT, evidence.root]);
  return { kind: "delivery", feed, file, evidence };
}
