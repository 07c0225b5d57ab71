import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { defineConfig, type Plugin } from "vite";

/** Beside each file its compressed form, so that the admin need not compress while it serves. */
const precompressed: Plugin = {
  name: "precompressed",
  async writeBundle({ dir = "dist" }) {
    const entries = await readdir(dir, { recursive: true, withFileTypes: true });
    for (const entry of entries) {
      const path = join(entry.parentPath, entry.name);
      if (entry.isFile()) await writeFile(`${path}.gz`, gzipSync(await readFile(path), { level: 9 }));
    }
  },
};

export default defineConfig({
  // Relative, so that the page works under whatever path a proxy gives it.
  base: "./",
  build: {
    outDir: "dist",
    target: "es2022",
    // Old enough browsers would get light-dark() rewritten into something the theme switch does not know.
    cssTarget: ["chrome123", "firefox128", "safari17.5"],
    // The content security policy allows files of our own and nothing inline, not even a data: URL in a style sheet.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    // What all views have in common in one file: small ones compress worse, and each is a request.
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [{ name: "common", test: /preact|parts[/](ui|use-|format)|src[/](routes|theme|session|view|kill-node)[.]ts/ }],
        },
      },
    },
  },
  plugins: [precompressed],
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
});
