import pc from "picocolors";

export interface Welcome {
  readonly publicPort: number;
  readonly adminUrl: string;
  readonly adminKey: string;
  readonly nodes: number;
  readonly broker: string;
  readonly producer: boolean;
  /** Colour, and lines that frame the text. */
  readonly terminal: boolean;
}

const columns = 80;

/** What `fanfare up` prints once everything runs: at most 80 columns, and nothing in it that spoils copying a line. */
export function welcomeText({ publicPort, adminUrl, adminKey, nodes, broker, producer, terminal }: Welcome): string {
  const publicUrl = `http://127.0.0.1:${publicPort}`;
  const colour = pc.createColors(terminal && pc.isColorSupported);
  const channel = producer ? "demo:sine" : "demo:hello";
  const facts = [
    ["clients", publicUrl],
    ["console", `${adminUrl}/console/`],
    ["API docs", `${adminUrl}/docs`],
    ["admin key", adminKey],
    ["nodes", String(nodes)],
    ["broker", broker],
  ].map(([name = "", value = ""]) => `${colour.dim(name.padEnd(10))} ${clip(value, columns - 11)}`);
  const curl = [
    `curl ${adminUrl}/v1/publish \\`,
    `  -H 'Authorization: Bearer ${adminKey}' \\`,
    `  -H 'Content-Type: application/json' \\`,
    `  -d '{"channel":"demo:hello","event":"greeting","data":"Hello, all!"}'`,
  ];
  const client = [
    `import { io } from "socket.io-client"; // npm install socket.io-client`,
    "",
    `const socket = io("${publicUrl}", {`,
    `  auth: { channels: ["demo:hello"${producer ? `, "${channel}"` : ""}] },`,
    "});",
    `socket.on("connect", () => console.log("connected", socket.id));`,
    `socket.on("greeting", (text) => console.log(text));`,
    `socket.on("${producer ? "point" : "message"}", (data, { offset }) => console.log(offset, data));`,
  ];
  const title = (text: string) => (terminal ? colour.bold(colour.cyan(text)) : text);
  const rule = (text: string) => (terminal ? colour.dim(`── ${text} ${"─".repeat(columns - text.length - 4)}`) : `-- ${text}`);
  return [
    "",
    rule("Fanfare is up"),
    ...facts,
    "",
    title("Publish:"),
    ...curl,
    "",
    title("Listen (client.mjs):"),
    ...client,
    rule("Ctrl-C ends everything"),
    "",
  ].join("\n");
}

function clip(text: string, room: number): string {
  return text.length <= room ? text : `${text.slice(0, room - 1)}…`;
}
