import { mkdir, mkdtemp, rename, rm, symlink, unlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Clock, channelName } from "@fanfare/domain";
import { expect, onTestFinished, test } from "vitest";
import { openRulesFile } from "./rules-file.ts";

const rules = (subscribe: string) => JSON.stringify({ namespaces: { default: { subscribe } } });

/** A file that is looked at when the test says so. */
async function opened(first = rules("anyone")) {
  const folder = await mkdtemp(join(tmpdir(), "fanfare-rules-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, "rules.json");
  await writeFile(path, first);
  let next: (() => void) | undefined;
  const clock: Pick<Clock, "after"> = {
    after(_, task) {
      next = task;
      return () => {
        next = undefined;
      };
    },
  };
  const lines: unknown[] = [];
  const outcomes: string[] = [];
  const log = { info: (fields: unknown) => lines.push(fields), warn: (fields: unknown) => lines.push(fields) };
  const file = await openRulesFile({ path, clock, log, reloaded: (outcome) => outcomes.push(outcome) });
  const look = async (times = 2) => {
    for (let n = 0; n < times; n++) {
      const task = next;
      next = undefined;
      task?.();
      await expect.poll(() => next !== undefined || task === undefined).toBe(true);
    }
  };
  const who = () => file.rules.of(channelName("a")).subscribe;
  return { folder, path, file, lines, outcomes, look, who };
}

test("a file that was written anew holds once it has come to rest, and whoever holds on to the rules is told", async () => {
  const { path, file, outcomes, look, who } = await opened();
  let told = 0;
  file.rules.onChange(() => told++);
  await look(3);
  expect([outcomes, file.rules.revision]).toEqual([[], 0]);
  await writeFile(path, rules("user"));
  await look(1);
  // It may still be being written.
  expect(who()).toBe("anyone");
  await look(1);
  expect([who(), told, file.rules.revision, outcomes]).toEqual(["user", 1, 1, ["loaded"]]);
});

test("a file that was replaced by another one, as editors do, and one behind links, as container platforms do", async () => {
  const { folder, path, look, who } = await opened();
  await writeFile(`${path}.new`, rules("user"));
  await rename(`${path}.new`, path);
  await look();
  expect(who()).toBe("user");

  for (const version of ["one", "two"]) {
    await mkdir(join(folder, version));
    await writeFile(join(folder, version, "rules.json"), rules(version === "one" ? "token" : "nobody"));
  }
  await symlink("one", join(folder, "data"));
  await unlink(path);
  await symlink("data/rules.json", path);
  await look();
  expect(who()).toBe("token");
  await symlink("two", join(folder, "data.new"));
  await rename(join(folder, "data.new"), join(folder, "data"));
  await look();
  expect(who()).toBe("nobody");
});

test.each<[string, string, unknown]>([
  ["no JSON", "{ namespaces: }", [{ message: "is not JSON" }]],
  ["nothing", "", [{ message: "is not JSON" }]],
  [
    "two mistakes",
    JSON.stringify({ namespaces: { default: { subscribe: "user", publish: "all" } }, channels: { "a b": {} } }),
    [{ path: "/namespaces/default/publish" }, { path: "/channels/a b" }],
  ],
])("a file with %s is refused as a whole, with everything that is wrong, and what held holds on", async (_, text, mistakes) => {
  const { path, file, lines, outcomes, look, who } = await opened();
  await writeFile(path, text);
  await look(5);
  expect([who(), file.rules.revision, outcomes]).toEqual(["anyone", 0, ["refused"]]);
  expect(lines).toMatchObject([{ path, mistakes }]);
  await writeFile(path, rules("user"));
  await look();
  expect(who()).toBe("user");
});

test("a file that is gone is told once; what held holds on until another one is there", async () => {
  const { path, outcomes, look, who } = await opened();
  await unlink(path);
  await look(4);
  expect([who(), outcomes]).toEqual(["anyone", ["refused"]]);
  await writeFile(path, rules("token"));
  await look();
  expect(who()).toBe("token");
});

test("it is read at once when somebody asks for it, also when it looks unchanged", async () => {
  const { path, file, outcomes, who } = await opened();
  await writeFile(path, rules("user"));
  await file.reload();
  expect(who()).toBe("user");
  await file.reload();
  expect(outcomes).toEqual(["loaded", "loaded"]);
  file.stop();
});

test("without a file nothing is allowed, for good; a wrong one keeps a process from starting", async () => {
  const log = { info: () => undefined, warn: () => undefined };
  const clock = { after: () => () => undefined };
  const none = await openRulesFile({ path: undefined, clock, log });
  expect(none.rules.of(channelName("a")).subscribe).toBe("nobody");
  await none.reload();
  await expect(openRulesFile({ path: "/nowhere/rules.json", clock, log })).rejects.toMatchObject({ code: "RULES_INVALID" });
});
