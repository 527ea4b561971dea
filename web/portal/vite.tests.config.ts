// The unit tests, each built into one file that Node's runner runs.

import { readdirSync } from "node:fs";
import { defineConfig } from "vite";
import { ALIAS } from "./vite.shared.ts";

const tests = readdirSync("test").filter((name) => name.endsWith(".test.ts"));

export default defineConfig({
  resolve: { alias: ALIAS },
  publicDir: false,
  ssr: { noExternal: true },
  build: {
    ssr: true,
    outDir: "dist-test",
    emptyOutDir: true,
    target: "node20",
    reportCompressedSize: false,
    rolldownOptions: { input: Object.fromEntries(tests.map((name) => [name.slice(0, -3), `test/${name}`])) },
  },
});
