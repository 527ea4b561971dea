// What the portal, the page that stands alone, and the tests are built with.

import { fileURLToPath } from "node:url";

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Where the package looks for the portal's files. */
export const OUT = at("../../src/veracity/portal");

/** The verifier is used from its source: one code for the command line, Node and the browser. */
export const ALIAS = { "@veracity/verify": at("../verify/src/index.ts") };
