import fc from "fast-check";
import { expect, test } from "vitest";
import { announcementPieces, announcementText, parseAnnouncement } from "./announcement.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (args: Uint8Array | undefined): string => new TextDecoder().decode(args);

/** The header as a pattern: slow, and easy to compare with the format. */
const header =
  /^\{"fanfare":"1:([0-9]{1,6}):(b?l?):([A-Za-z0-9_,-]*):([A-Za-z0-9_-]{1,32}):([0-9]{1,16}):([0-9]{1,16}):([0-9]{1,16})"/;

function byPattern(message: string) {
  const [whole, lead, flags = "", except = "", epoch, offset, seq, previous] = header.exec(message) ?? [];
  if (whole === undefined) return undefined;
  const args = message.slice(whole.length + Number(lead), -3);
  const receipt = flags.includes("l") && Number(lead) > 2 && message[whole.length + 2] === "r";
  if (args.length < 2 || !args.startsWith("[") || !args.endsWith("]")) return undefined;
  return {
    epoch,
    offset: Number(offset),
    seq: Number(seq),
    previous: Number(previous),
    binary: flags.includes("b"),
    logged: flags.includes("l"),
    except: except === "" ? [] : except.split(","),
    receipt,
    args,
  };
}

const place = fc.record({
  epoch: fc.stringMatching(/^[A-Za-z0-9_-]{1,32}$/),
  offset: fc.nat(),
  seq: fc.integer({ min: 0, max: 2 ** 52 }),
  previous: fc.integer({ min: 0, max: 2 ** 52 }),
});
const draft = fc.record({
  channel: fc.constant("news" as never),
  event: fc.constant("message" as never),
  payload: fc.record({ json: fc.json(), binary: fc.boolean() }),
  except: fc.array(fc.stringMatching(/^[A-Za-z0-9_-]{20}$/), { maxLength: 3 }),
  receipt: fc.constantFrom(true as const, undefined),
});

test("what was announced is read as it was written, whatever epoch was expected", () => {
  const check = fc.property(draft, place, fc.boolean(), fc.option(place), (draft, place, logged, other) => {
    const message = announcementText(announcementPieces(draft, "{0}news", logged), place);
    for (const expected of [undefined, place.epoch, other?.epoch]) {
      const read = parseAnnouncement(bytes(message), expected);
      expect({ ...read, args: text(read?.args) }).toEqual(byPattern(message));
      const receipt = logged && draft.receipt === true;
      expect(read).toMatchObject({ ...place, logged, binary: draft.payload.binary, except: draft.except, receipt });
    }
  });
  fc.assert(check, { numRuns: 200 });
});

test("that somebody wants a receipt changes nothing of what stock nodes and nodes of before read", () => {
  const check = fc.property(draft, place, (draft, place) => {
    const [plain, marked] = [undefined, true as const].map((receipt) =>
      announcementText(announcementPieces({ ...draft, receipt }, "{0}news", true), place),
    );
    const { receipt, ...rest } = JSON.parse(marked ?? "");
    expect(receipt).toBe(1);
    const { fanfare, ...before } = JSON.parse(plain ?? "");
    expect({ ...rest, fanfare }).toEqual({ ...before, fanfare });
    // What the header counts is all that differs in it, and nodes go by that count.
    expect(byPattern(marked ?? "")?.args).toBe(byPattern(plain ?? "")?.args);
    expect(rest.fanfare.replace(/^1:\d+/, "")).toBe(fanfare.replace(/^1:\d+/, ""));
  });
  fc.assert(check, { numRuns: 100 });
});

test("a header is read exactly where its pattern matches", () => {
  const field = fc.oneof(
    fc.constantFrom("", "1", "0", "12", "b", "l", "bl", "lb", "ll", "-1", "1e3", " 1", "é", "x,y", "a.b", '"', "2"),
    fc.stringMatching(/^[0-9]{1,18}$/),
    fc.stringMatching(/^[A-Za-z0-9_-]{1,34}$/),
  );
  const sound = fc.tuple(
    fc.constant("1"),
    fc.constantFrom("0", "1", "10"),
    fc.constantFrom("", "b", "l", "bl"),
    fc.constantFrom("", "a", "a,b", ","),
    fc.stringMatching(/^[A-Za-z0-9_-]{1,32}$/),
    ...Array.from({ length: 3 }, () => fc.stringMatching(/^[0-9]{1,16}$/)),
  );
  const garbled = fc.tuple(sound, fc.array(fc.tuple(fc.nat(7), field), { maxLength: 2 })).map(([fields, changes]) => {
    const changed: string[] = [...fields];
    for (const [at, other] of changes) changed[at] = other;
    return changed;
  });
  const rest = fc.constantFrom("[1]}}}", ',"uid":[1,2]}}}', "[]", "", "[}}}", '["x"]}}}');
  let sounds = 0;
  const check = fc.property(
    fc.oneof({ weight: 4, arbitrary: garbled }, { weight: 1, arbitrary: fc.array(field, { maxLength: 10 }) }),
    rest,
    (fields, behind) => {
      const message = `{"fanfare":"${fields.join(":")}"${behind}`;
      const expected = byPattern(message);
      const read = parseAnnouncement(bytes(message), expected?.epoch);
      if (expected !== undefined) sounds++;
      expect(read && { ...read, args: text(read.args) }).toEqual(expected);
    },
  );
  fc.assert(check, { numRuns: 2_000 });
  expect(sounds).toBeGreaterThan(30);
});

test("what ends too early, or never closes its header, is garbage", () => {
  const whole = '{"fanfare":"1:0::abc:e:1:2:3"[1]}}}';
  expect(parseAnnouncement(bytes(whole))).toBeDefined();
  for (let length = 0; length < whole.length - 3; length++)
    expect(parseAnnouncement(bytes(whole.slice(0, length)))).toBeUndefined();
  expect(parseAnnouncement(bytes(`{"fanfare":"1:0::${"a".repeat(5_000)}:e:1:2:3"[1]}}}`))).toBeUndefined();
});
