import swagger from "@fastify/swagger";
import swaggerUi from "@fastify/swagger-ui";
import type { FastifyInstance } from "fastify";
import { asyncApi } from "../async-api.ts";
import { errorsPage } from "../errors-page.ts";

/** The page loads nothing from elsewhere. Swagger UI puts `style` attributes on what it draws, hence the one exception. */
const pageCsp =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const description = `Publish to channels and look into them. Every subscriber of a channel, on any node, hears a publication that was
answered with 200.

Errors are \`application/problem+json\` (RFC 9457) with a stable \`code\`; [all codes](/docs/errors). What clients say and hear is in the AsyncAPI document [/asyncapi.json](/asyncapi.json).`;

/** Collects the schemas of all routes that are registered after it. */
export async function openApi(app: FastifyInstance, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: { title: "Fanfare admin API", version, description, license: { name: "MIT", identifier: "MIT" } },
      security: [{ bearer: [] }, { apiKey: [] }],
      components: {
        securitySchemes: {
          bearer: { type: "http", scheme: "bearer", description: "A secret of FANFARE_ADMIN_KEYS." },
          apiKey: { type: "apiKey", in: "header", name: "X-API-Key", description: "The same, as a header of its own." },
        },
      },
      tags: [
        { name: "publish", description: "Say something." },
        { name: "channels", description: "What a channel holds." },
        { name: "nodes", description: "The Socket.IO nodes." },
        { name: "keys", description: "Who may use this API." },
        { name: "health", description: "For load balancers and Prometheus. No key." },
      ],
    },
  });
}

/** `/openapi.json`, `/asyncapi.json`, `/docs` and the page that problems' `type` points to. */
export async function docsRoutes(app: FastifyInstance, version: string, url: string | null): Promise<void> {
  app.get("/openapi.json", { schema: { hide: true } }, async () => app.swagger());

  const socketIo = asyncApi(version, url);
  app.get("/asyncapi.json", { schema: { hide: true } }, async () => socketIo);

  app.get("/docs/errors", { schema: { hide: true } }, async (_request, reply) => {
    const { html, csp } = errorsPage();
    reply.header("content-security-policy", csp).type("text/html; charset=utf-8");
    return html;
  });

  await app.register(swaggerUi, {
    routePrefix: "/docs",
    staticCSP: pageCsp,
    theme: { title: "Fanfare admin API" },
    // Without the top bar, which invites to explore addresses that the policy forbids.
    uiConfig: { layout: "BaseLayout", docExpansion: "list", tryItOutEnabled: true },
  });
}
