// `contract`: from here on a feed is held to these bytes of YAML.

import { AGENCY_NAME } from "./enrol.js";
import { checkSubjects, FEED, FEED_NAME, predicateOf, SHA256, type Statement } from "./statement.js";

export interface SealedContract {
  readonly kind: "contract";
  readonly feed: string;
  readonly version: string;
  readonly sha256: string;
  readonly agency: string | null; // whose keys may sign deliveries; null: anybody enrolled
  readonly signature: "required" | "optional";
  readonly simulated: boolean;
}

export function readContract(statement: Statement): SealedContract {
  const fields = predicateOf(statement, "contract");
  const contract: SealedContract = {
    kind: "contract",
    feed: fields.matching("feed", FEED_NAME, FEED),
    version: fields.text("version", 64),
    sha256: fields.sha256("sha256"),
    agency: fields.optional("agency", (name) => fields.matching(name, AGENCY_NAME, "an agency's name")),
    signature: fields.choice("signature", ["required", "optional"]),
    simulated: fields.flag("simulated"),
  };
  fields.done();
  checkSubjects(statement, [SHA256, contract.sha256]);
  return contract;
}
