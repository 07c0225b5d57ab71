import { expect, test } from "vitest";
import { type RestDocument, restPage } from "./testing/rest-page.ts";
import { testAdmin } from "./testing/test-admin.ts";

test("docs/REST.md tells of exactly the routes that there are", async () => {
  // With every route that a setting can add.
  const admin = await testAdmin({ tokenSecret: "a secret of at least thirty-two characters" });
  const answer = await admin.app.inject("/openapi.json");
  await admin.close();
  const document = answer.json<RestDocument>();
  expect(Object.keys(document.paths).length).toBeGreaterThan(20);
  await expect(restPage(document)).toMatchFileSnapshot("../../../docs/REST.md");
});

test("a route that is changed changes the page", () => {
  const get = { summary: "Look", responses: { 200: { description: "What is there." } } };
  const page = restPage({ paths: { "/v1/things/{id}": { get } } });
  expect(page).toContain("### GET /v1/things/:id\n\nLook.\n\n**200** What is there.");
  expect(restPage({ paths: { "/v1/things/{id}": { delete: get } } })).not.toBe(page);
});
