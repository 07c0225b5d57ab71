import { execFile } from "node:child_process";
import { accessSync, constants, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse, parseAllDocuments } from "yaml";

/** A path of infra/ as one of this machine. */
export function inInfra(...path: readonly string[]): string {
  return join(fileURLToPath(new URL("../../infra/", import.meta.url)), ...path);
}

/** The text of a file of infra/. */
export function textOf(...path: readonly string[]): string {
  return readFileSync(inInfra(...path), "utf8");
}

/** A YAML file of infra/; `Shape` is what the test reads of it. */
export function yamlOf<Shape>(...path: readonly string[]): Shape {
  return parse(textOf(...path), { merge: true }) as Shape;
}

/** All documents of a YAML text. Throws at the first mistake. */
export function documentsOf<Shape>(text: string): Shape[] {
  return parseAllDocuments(text).map((document) => {
    if (document.errors[0] !== undefined) throw document.errors[0];
    return document.toJS() as Shape;
  });
}

/** Where a program is, undefined when it is not on this machine. The distribution's servers are often only on root's PATH. */
export function find(name: string): string | undefined {
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/usr/local/sbin"];
  return folders
    .map((folder) => join(folder, name))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

interface Printed {
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end. Rejects with what it printed when it says that something is wrong, or is not there. */
export function run(name: string, args: readonly string[], cwd = inInfra()): Promise<Printed> {
  const program = find(name);
  if (program === undefined) return Promise.reject(new Error(`There is no ${name} on this machine, see docs/TESTING.md`));
  return new Promise((resolve, reject) => {
    execFile(program, args, { cwd, timeout: 30_000 }, (failure, stdout, stderr) => {
      if (failure === null) resolve({ stdout, stderr });
      else reject(new Error(`${name} ${args.join(" ")}\n${stdout}${stderr}`));
    });
  });
}
