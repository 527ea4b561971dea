// verify.html: the Verify view as one file that works from a disk, and that can reach nothing and nobody.

import { createHash } from "node:crypto";
import { defineConfig, type Plugin } from "vite";
import { ALIAS, OUT } from "./vite.shared.ts";

const sha256 = (text: string) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

/** Put the script and the style into the page, named by their digests in its policy: all else is forbidden. */
function inOneFile(): Plugin {
  return {
    name: "in-one-file",
    enforce: "post",
    generateBundle(_options, bundle) {
      let script = "";
      let style = "";
      for (const [name, made] of Object.entries(bundle)) {
        if (made.type === "chunk") {
          if (script !== "") this.error(`want one script, got ${name} too`);
          script = made.code.replaceAll("</script", "<\\/script");
          delete bundle[name];
        } else if (name.endsWith(".css")) {
          style += String(made.source);
          delete bundle[name];
        }
      }
      const page = bundle["verify.html"];
      if (page?.type !== "asset" || script === "") this.error("want verify.html and its script");
      const policy = [
        "default-src 'none'",
        `script-src ${sha256(script)}`,
        `style-src ${sha256(style)}`,
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
      ].join("; ");
      page.source = String(page.source)
        .replaceAll(/\s*<script[^>]*src=[^>]*><\/script>/g, "")
        .replaceAll(/\s*<link rel="(stylesheet|modulepreload)"[^>]*>/g, "")
        .replace("<!-- policy -->", () => `<meta http-equiv="Content-Security-Policy" content="${policy}">`)
        .replace("<!-- style -->", () => `<style>${style}</style>`)
        .replace("<!-- script -->", () => `<script type="module">${script}</script>`);
    },
  };
}

export default defineConfig({
  base: "./",
  resolve: { alias: ALIAS },
  publicDir: false,
  plugins: [inOneFile()],
  build: {
    outDir: OUT,
    emptyOutDir: false,
    target: "es2022",
    modulePreload: false,
    cssCodeSplit: false,
    reportCompressedSize: false,
    rolldownOptions: { input: "verify.html" },
  },
});
