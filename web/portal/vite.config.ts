// The portal that a city's server serves: nothing inline, no eval, all paths relative.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { defineConfig, type Plugin } from "vite";
import { ALIAS, OUT } from "./vite.shared.ts";

/** Put `x.js.gz` beside `x.js`, once all is written: the server sends it as it is, and compresses nothing itself. */
function gzipped(): Plugin {
  return {
    name: "gzipped",
    writeBundle(_options, bundle) {
      for (const name of Object.keys(bundle).filter((file) => /\.(js|css)$/.test(file))) {
        writeFileSync(join(OUT, `${name}.gz`), gzipSync(readFileSync(join(OUT, name)), { level: 9 }));
      }
    },
  };
}

const SERVER = process.env["VERACITY_SERVER"] ?? "http://127.0.0.1:7882";

export default defineConfig({
  base: "./",
  resolve: { alias: ALIAS },
  publicDir: "public",
  plugins: [gzipped()],
  build: {
    outDir: OUT,
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 1200,
  },
  worker: { format: "es" },
  server: { proxy: Object.fromEntries(["/api", "/receipts", "/log", "/catalogue"].map((path) => [path, SERVER])) },
});
