import { createHash } from "node:crypto";
import { catalogue } from "@fanfare/domain";

const style = `
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color-scheme: light dark }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; vertical-align: top; padding: .4rem .8rem .4rem 0; border-bottom: 1px solid #8884 }
tr:target { background: #fd06 }
`;

/** Every code that an answer can carry, each under an anchor of its name. */
export function errorsPage(): { html: string; csp: string } {
  const rows = Object.entries(catalogue).map(
    ([code, { status, band, says }]) =>
      `<tr id="${code}"><td><a href="#${code}"><code>${code}</code></a></td><td>${status}</td><td>${band}</td><td>${says}</td></tr>`,
  );
  const html = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Fanfare: error codes</title>
<style>${style}</style>
<h1>Error codes</h1>
<p><b>caller</b>: change the request. <b>overload</b>: wait and retry. <b>dependency</b>: retry; an operator looks. <b>bug</b>: ours.</p>
<table>
<thead><tr><th>Code</th><th>Status</th><th>Band</th><th>What it says</th></tr></thead>
<tbody>
${rows.join("\n")}
</tbody>
</table>
</html>
`;
  const hash = createHash("sha256").update(style).digest("base64");
  return { html, csp: `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; frame-ancestors 'none'` };
}
