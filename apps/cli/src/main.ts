import { run } from "./program.ts";

// `fanfare … | head` ends the reader before us: that is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
});

const code = await run(process.argv.slice(2));
// A server that has half started would keep the process; one that has started ends it itself, when it is told to.
if (code !== 0) process.exit(code);
