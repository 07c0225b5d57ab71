import { FanfareError, type FieldError } from "./errors.ts";
import type { Static, TSchema } from "./typebox.ts";
import { Compile } from "./typebox.ts";

/**
 * A function that answers its argument, now typed, or throws `REQUEST_INVALID` with one entry per field that is wrong.
 * Compile once, at module level.
 */
export function validator<Schema extends TSchema>(schema: Schema): (value: unknown) => Static<Schema> {
  const compiled = Compile(schema);
  return (value) => {
    if (compiled.Check(value)) return value as Static<Schema>;
    const errors: FieldError[] = compiled
      .Errors(value)
      .slice(0, 20)
      .map(({ instancePath, message }) => ({ path: instancePath, message }));
    throw new FanfareError("REQUEST_INVALID", { errors });
  };
}
