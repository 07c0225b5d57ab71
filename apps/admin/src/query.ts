import { type Static, type TObject, type TProperties, Type, validator } from "@fanfare/domain";
import type { FastifyRequest } from "fastify";

const checkEmpty = validator(Type.Object({}, { additionalProperties: false }));

/**
 * A reader of query strings. Where the schema expects a number or a boolean and one is written, it becomes one; anything
 * else stays text, so that the schema refuses it by name. Throws `REQUEST_INVALID`.
 */
export function queryReader<Properties extends TProperties>(schema: TObject<Properties>) {
  const check = validator(schema);
  const types = new Map(Object.entries(schema.properties).map(([key, value]) => [key, "type" in value ? value.type : undefined]));
  return (request: FastifyRequest): Static<TObject<Properties>> => {
    const entries = Object.entries(request.query as Record<string, unknown>);
    return check(Object.fromEntries(entries.map(([key, value]) => [key, typed(value, types.get(key))])));
  };
}

/** For addresses without a query: an unknown parameter is a mistake that would otherwise go unnoticed. */
export function refuseQuery(request: FastifyRequest): void {
  checkEmpty(request.query);
}

function typed(value: unknown, type: unknown): unknown {
  if (type === "boolean" && (value === "true" || value === "false")) return value === "true";
  return type === "integer" && typeof value === "string" && /^-?[0-9]{1,15}$/.test(value) ? Number(value) : value;
}
