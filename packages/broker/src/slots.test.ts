import { expect, test } from "vitest";
import { slotOf } from "./slots.ts";

// What CLUSTER KEYSLOT answers.
test.each([
  ["foo", 12_182],
  ["123456789", 12_739],
  ["{user1000}.following", 3_443],
  ["{user1000}.followers", 3_443],
  ["foo{}{bar}", 8_363],
  ["foo{{bar}}zap", 4_015],
  ["fanfare:{7}:seq", slotOf("7")],
  ["fanfare#/#{7}news#", slotOf("7")],
  ["ü{", slotOf("ü{")],
])("the slot of %s is %i", (key, slot) => {
  expect(slotOf(key)).toBe(slot);
});
