/** docs/REST.md, made from the OpenAPI document. */

interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxItems?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
}

interface Media {
  readonly description?: string;
  readonly content?: Readonly<Record<string, { readonly schema: Schema }>>;
}

interface Parameter {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly required?: boolean;
  readonly description?: string;
  readonly schema: Schema;
}

interface Operation {
  readonly summary?: string;
  readonly description?: string;
  readonly tags?: readonly string[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: Media;
  readonly responses: Readonly<Record<string, Media>>;
}

export interface RestDocument {
  readonly tags?: readonly { readonly name: string; readonly description?: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

const intro = `# REST: the admin API

<!-- Made from the OpenAPI document that the server itself answers. After a change of a route:
     npx vitest run --project unit apps/admin -u -->

The same with forms to try it: \`/docs\` of the admin API. For machines: \`/openapi.json\` (OpenAPI 3.1).

- **Key.** \`Authorization: Bearer SECRET\` (or \`X-API-Key: SECRET\`) of a key in FANFARE_ADMIN_KEYS; what keys may be allowed:
  [RULES.md](RULES.md#admin-keys).
- **Errors** are \`application/problem+json\` (RFC 9457) with a \`code\`: [ERRORS.md](ERRORS.md). Below they stand as \`problem\`.
- **Lists** are \`{ items, next }\`. Give \`next\` as \`cursor\` for the next page; \`null\` is the end.
- **Positions** in addresses are \`epoch:offset\`.
- **Retries.** Give publications an \`id\` (or the header \`Idempotency-Key\`): for ten minutes the same id is stored once.
- In what follows \`?\` marks what may be left out, and \`= value\` what it then is.
`;

/** The whole page. */
export function restPage({ tags = [], paths }: RestDocument): string {
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );
  const named = tags.map(({ name }) => name);
  const others = operations.map(({ operation }) => operation.tags?.[0] ?? "others").filter((name) => !named.includes(name));
  const chapters = [...new Set([...named.filter((name) => name !== "health"), ...others, "health"])].map((name) => {
    const inside = operations.filter(({ operation }) => (operation.tags?.[0] ?? "others") === name);
    const parts = inside.map(({ path, method, operation }) => section(method, path, operation));
    const description = tags.find((tag) => tag.name === name)?.description;
    return inside.length === 0 ? "" : [`## ${capital(name)}`, ...(description ? [description] : []), ...parts].join("\n\n");
  });
  return `${[intro.trimEnd(), ...chapters.filter(Boolean)].join("\n\n")}\n`;
}

function section(
  method: string,
  path: string,
  { summary, description, parameters = [], requestBody, responses }: Operation,
): string {
  const parts = [`### ${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ":$1")}`];
  if (summary !== undefined) parts.push(`${summary}.`);
  if (description !== undefined) parts.push(description);
  if (parameters.length > 0) parts.push(parameterTable(parameters));
  for (const [type, { schema }] of Object.entries(requestBody?.content ?? {})) {
    parts.push(`Body, \`${type}\`${type.includes("ndjson") ? ", each line" : ""}:`, fenced(schema), ...notes(schema));
  }
  for (const [status, { description: meaning, content = {} }] of Object.entries(responses)) {
    const [type, media] = Object.entries(content)[0] ?? [];
    if (type === "application/problem+json") continue;
    const schema = media?.schema;
    parts.push(`**${status}** ${meaning ?? ""}`.trimEnd());
    if (schema?.properties !== undefined || schema?.anyOf !== undefined) parts.push(fenced(schema), ...notes(schema));
  }
  const problems = Object.entries(responses).filter(([, { content }]) => content?.["application/problem+json"] !== undefined);
  if (problems.length > 0) parts.push(`Refused with ${problems.map(([status]) => status).join(", ")}.`);
  return parts.join("\n\n");
}

function parameterTable(parameters: readonly Parameter[]): string {
  const rows = parameters.map(({ name, in: place, required, description, schema }) => {
    const fallback = schema.default === undefined ? "" : ` = ${JSON.stringify(schema.default)}`;
    return `| \`${name}${required ? "" : "?"}\` | ${place} | ${cell(shape(schema, 0))}${fallback}${range(schema)} | ${cell(description ?? "")} |`;
  });
  return ["| parameter | in | | meaning |", "|---|---|---|---|", ...rows].join("\n");
}

const fenced = (schema: Schema): string => ["```", shape(schema, 0), "```"].join("\n");

/** What the fields of a body mean, as far as their names do not say it: those of its own level and one below. */
function notes(schema: Schema): string[] {
  const lines = new Map<string, string>();
  const collect = ({ properties = {}, anyOf = [], items }: Schema, prefix: string, depth: number): void => {
    for (const [name, field] of Object.entries(properties)) {
      const path = `${prefix}${name}`;
      const meaning = [field.description, capital(range(field).replace(/^, (.+)$/, "$1."))].filter(Boolean).join(" ");
      if (meaning !== "" && !lines.has(path)) lines.set(path, `- \`${path}\`: ${meaning}`);
      if (depth < 2) collect(field, field.items === undefined ? `${path}.` : path, depth + 1);
    }
    for (const one of anyOf) if (!isProblem(one)) collect(one, prefix, depth);
    if (items !== undefined && !isProblem(items)) collect(items, prefix === "" ? "" : `${prefix}[].`, depth);
  };
  collect(schema, "", 0);
  return lines.size === 0 ? [] : [[...lines.values()].join("\n")];
}

/** A schema the way one would write it down for a colleague. */
function shape(schema: Schema, depth: number): string {
  const { type, anyOf, enum: values, const: value, items, properties, required = [] } = schema;
  if (isProblem(schema)) return "problem";
  if (value !== undefined) return JSON.stringify(value);
  if (values !== undefined) return values.map((one) => JSON.stringify(one)).join(" | ");
  if (anyOf !== undefined) {
    const all = [...new Set(anyOf.map((one) => shape(one, depth)))];
    return all.join(all.some((one) => one.includes("\n")) ? `\n${"  ".repeat(depth)}| ` : " | ");
  }
  if (items !== undefined) {
    const inner = shape(items, depth);
    return inner.includes(" ") && !inner.startsWith("{ ") ? `(${inner})[]` : `${inner}[]`;
  }
  if (properties === undefined) return type ?? "any JSON";
  const fields = Object.entries(properties).map(([name, field]) => {
    const fallback = field.default === undefined ? "" : ` = ${JSON.stringify(field.default)}`;
    return `${name}${required.includes(name) ? "" : "?"}: ${shape(field, depth + 1)}${fallback}`;
  });
  const line = `{ ${fields.join(", ")} }`;
  if (line.length + 2 * depth <= 100 && !line.includes("\n")) return line;
  const indent = "  ".repeat(depth + 1);
  return `{\n${fields.map((field) => `${indent}${field}`).join(",\n")}\n${"  ".repeat(depth)}}`;
}

function isProblem({ properties }: Schema): boolean {
  return properties?.code !== undefined && properties.title !== undefined && properties.status !== undefined;
}

function range({ minimum, maximum, maxItems, maxLength }: Schema): string {
  const parts = [
    ...(minimum !== undefined && maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER ? [`${minimum} to ${maximum}`] : []),
    ...(maxItems === undefined ? [] : [`at most ${maxItems}`]),
    ...(maxLength === undefined ? [] : [`at most ${maxLength} characters`]),
  ];
  return parts.length === 0 ? "" : `, ${parts.join(", ")}`;
}

const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("\n", " ");
const capital = (name: string): string => `${name.slice(0, 1).toUpperCase()}${name.slice(1)}`;
