import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { CapacityFigures } from "./figures.ts";
import { costsOf, headroom, hearingNodes, nodeCores, plan, redisCores } from "./model.ts";
import { capacityPage, demandOf, plansFor } from "./page.ts";
import { simulate } from "./simulate.ts";

const figures = JSON.parse(readFileSync(new URL("../../capacity.json", import.meta.url), "utf8")) as CapacityFigures;
const costs = costsOf(figures);
const size = { nodes: 2, primaries: 1, admins: 1 };

test("docs/CAPACITY.md says what follows from capacity.json", async () => {
  await expect(capacityPage(figures)).toMatchFileSnapshot("../../../../docs/CAPACITY.md");
});

test("model and simulation foretell the runs that they were not made from, within a factor of three", () => {
  expect(figures.nodes.map(({ nodes }) => nodes)).toEqual([1, 2, 3]);
  for (const { nodes, check } of figures.nodes) {
    const demand = demandOf(check);
    const played = simulate(costs, demand, { nodes, primaries: 1, admins: 1 });
    for (const cores of [nodeCores(costs, demand, nodes), played.nodeBusy * nodes]) {
      expect(check.nodeCores / cores).toBeGreaterThan(1 / 3);
      expect(check.nodeCores / cores).toBeLessThan(3);
    }
    for (const cores of [redisCores(costs, demand, nodes), played.redisBusy]) {
      expect(check.redisCores / cores).toBeGreaterThan(1 / 3);
      expect(check.redisCores / cores).toBeLessThan(3);
    }
    // Nothing waits for a network or for another process in it.
    expect(played.p50Ms).toBeLessThan(check.p50Ms * 3);
  }
});

test("simulated parts are as busy as the model says, as long as they keep up", () => {
  const demand = { connections: 1_000, publicationsPerSecond: 100, subscribers: 200, arrivalsPerSecond: 0 };
  const played = simulate(costs, demand, size);
  expect(played.nodeBusy * size.nodes).toBeCloseTo(nodeCores(costs, demand, size.nodes), 1);
  expect(played.redisBusy).toBeCloseTo(redisCores(costs, demand, size.nodes), 1);
  expect(simulate(costs, demand, size)).toEqual(played);
});

test("a node that is given more than it can deliver falls behind in the simulation", () => {
  const enough = Math.floor(1_000_000 / costs.deliverMicros / 100);
  const demand = { connections: 200, publicationsPerSecond: 100, subscribers: enough, arrivalsPerSecond: 0 };
  const light = simulate(costs, { ...demand, subscribers: Math.floor(enough / 4) }, { ...size, nodes: 1 });
  const heavy = simulate(costs, { ...demand, subscribers: enough * 2 }, { ...size, nodes: 1 });
  expect(light.p99Ms).toBeLessThan(100);
  expect(heavy.p99Ms).toBeGreaterThan(1_000);
});

test("a plan stays below its own headroom, and more demand never takes less", () => {
  const planned = plansFor.map(([, demand]) => plan(costs, demand));
  for (const one of planned) {
    expect(one.nodeBusy).toBeLessThanOrEqual(headroom.busyMax);
    expect(one.nodeMib).toBeLessThanOrEqual(headroom.residentMibMax);
    expect(one.redisCores / one.primaries).toBeLessThanOrEqual(headroom.busyMax);
  }
  expect(planned.map(({ nodes }) => nodes)).toEqual(planned.map(({ nodes }) => nodes).sort((a, b) => a - b));
});

test("a publication is heard by no more nodes than there are, and than it has subscribers", () => {
  expect(hearingNodes(1, 500)).toBe(1);
  expect(hearingNodes(100, 1)).toBeCloseTo(1);
  expect(hearingNodes(3, 1_000)).toBeCloseTo(3);
  expect(hearingNodes(2_000, 1_000)).toBeLessThan(1_000);
});
