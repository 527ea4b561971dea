// The portal that a city's server serves: nothing inline, no eval, all paths relative.

import { defineConfig } from "vite";
import { ALIAS, OUT } from "./vite.shared.ts";

export default defineConfig({
  base: "./",
  resolve: { alias: ALIAS },
  publicDir: "public",
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
});
