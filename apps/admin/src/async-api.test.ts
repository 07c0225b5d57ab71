import specs from "@asyncapi/specs";
import { clientRequests, notices } from "@fanfare/domain";
import { Ajv, type AnySchema } from "ajv";
import { afterAll, expect, test } from "vitest";
import { call } from "./testing/call.ts";
import { testAdmin } from "./testing/test-admin.ts";

const admin = await testAdmin({ url: "https://live.example.org" });
afterAll(() => admin.close());
const answer = await call(admin, "GET", "/asyncapi.json", { key: null });
const { body: document } = answer;
const valid = new Ajv({ meta: false, validateSchema: false, strict: false, validateFormats: false, logger: false }).compile(
  specs.schemas["3.0.0"] as AnySchema,
);

test("the document is AsyncAPI 3.0, by the schema of that specification", () => {
  expect(answer.status).toBe(200);
  expect([valid(document), valid.errors]).toEqual([true, null]);
  // And the schema does refuse.
  expect(valid({ ...document, channels: { connection: { messages: 7 } } })).toBe(false);
  expect(document.servers.public).toMatchObject({ host: "live.example.org", protocol: "wss" });
});

test("every reference in it leads somewhere", () => {
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, path = ""]) => path);
  expect(references.length).toBeGreaterThan(40);
  for (const path of references) {
    const target = path.split("/").reduce((value, name) => value?.[name], document);
    expect(target, path).toBeTypeOf("object");
  }
});

test("every request has an operation with an answer, every notice a message, and there are no others", () => {
  const { operations, components } = document;
  expect(Object.keys(operations).sort()).toEqual([...Object.keys(clientRequests), "notice", "deliver"].sort());
  for (const name of Object.keys(clientRequests)) {
    expect(operations[name].reply.messages).toEqual([{ $ref: `#/channels/connection/messages/${name}.answer` }]);
  }
  const names = Object.values(components.messages as Record<string, { name: string }>).map(({ name }) => name);
  const told = Object.keys(notices);
  expect([...new Set(names)].sort()).toEqual([...Object.keys(clientRequests), ...told, "publication"].sort());
  expect(operations.notice.messages).toHaveLength(told.length);
});
