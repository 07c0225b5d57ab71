/*
 * Whether the process in this container answers: `node healthcheck.mjs [port]`, ended by 0 or 1 as Docker wants it.
 *
 * 8100 is a gateway's peer port; of an admin API it is 9000, of an ingestion worker 8200.
 */
const port = process.argv[2] ?? "8100";
try {
  const answer = await fetch(`http://127.0.0.1:${port}/healthz`, { signal: AbortSignal.timeout(2_000) });
  process.exitCode = answer.ok ? 0 : 1;
} catch (error) {
  // Docker keeps the last words of its checks: `docker inspect` shows them.
  console.error(String(error?.cause ?? error));
  process.exitCode = 1;
}
