import { FanfareError } from "@fanfare/domain";
import fastifyStatic from "@fastify/static";
import type { FastifyInstance } from "fastify";

/** The console connects to the nodes, which may be anywhere; everything else comes from here. */
const csp =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self' ws: wss: http: https:; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** What the page is told before anybody has signed in. No secret is ever part of this. */
export interface ConsoleConfig {
  /** Where browsers reach the nodes: null stands for this host's port 8000. */
  readonly url: string | null;
  /** Where a node can be killed; only `fanfare up` has such a place. */
  readonly control?: string | undefined;
}

/** The console's files under `/console/`; `directory` is undefined when it was not built. */
export async function consoleRoutes(app: FastifyInstance, directory: string | undefined, config: ConsoleConfig): Promise<void> {
  const hidden = { schema: { hide: true } } as const;
  app.addHook("onSend", (_request, reply, _payload, done) => {
    reply.header("content-security-policy", csp);
    done();
  });

  for (const url of ["/", "/console"]) app.get(url, hidden, async (_request, reply) => reply.redirect("/console/"));

  if (directory === undefined) {
    app.get("/console/*", hidden, async () => {
      throw new FanfareError("NOT_FOUND", { detail: "The console is not part of this build." });
    });
    return;
  }

  app.get("/console/config.json", hidden, async () => config);
  await app.register(fastifyStatic, {
    root: directory,
    prefix: "/console/",
    redirect: true,
    preCompressed: true,
    decorateReply: false,
    schemaHide: true,
  });
}
