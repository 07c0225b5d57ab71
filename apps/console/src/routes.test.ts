import { expect, test } from "vitest";
import { hrefOf, routeOf } from "./routes.ts";

test("an address leads back to what it was made of, whatever a channel is called", () => {
  for (const route of [["live"], ["channels", "demo:sine"], ["channels", "a/b#c"], ["connections", "100%"]]) {
    expect(routeOf(hrefOf(...route))).toEqual(route);
  }
});

test("an address that nobody made is read as it stands", () => {
  expect(routeOf("")).toEqual([]);
  expect(routeOf("#/")).toEqual([]);
  expect(routeOf("#/channels/%zz")).toEqual(["channels", "%zz"]);
});
