import { defineConfig } from "vite";

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
  },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
});
