/** What goes into a snippet. */
export interface Filling {
  /** Of the Socket.IO server. */
  readonly url: string;
  /** Of the admin API. */
  readonly admin: string;
  readonly channel: string;
  /** Empty: none is needed, or none could be had. */
  readonly token: string;
}

export interface Snippet {
  readonly name: string;
  /** What has to be there first. */
  readonly needs: string;
  readonly code: string;
}

/** How to listen, then how to publish. Clients that were away for longer find the rest in docs/CLIENTS.md. */
export function snippets({ url, admin, channel, token }: Filling): readonly Snippet[] {
  const auth = (q: string, colon: string) =>
    `${q}channels${q}${colon} [${q}${channel}${q}]${token === "" ? "" : `, ${q}token${q}${colon} ${q}${token}${q}`}`;
  const plain = `channels: ["${channel}"]${token === "" ? "" : `, token: "${token}"`}`;
  const js = `const socket = io("${url}", { auth: { ${plain} } });
socket.onAny((event, data, context) => console.log(event, data, context?.offset));`;
  return [
    {
      name: "Browser",
      needs: "nothing; in production take socket.io-client from npm",
      code: `<script type="module">
import { io } from "https://cdn.socket.io/4.8.1/socket.io.esm.min.js";
${js}
</script>`,
    },
    { name: "Node", needs: "npm install socket.io-client", code: `import { io } from "socket.io-client";\n\n${js}` },
    {
      name: "Python",
      needs: 'pip install "python-socketio[asyncio_client]"',
      code: `import asyncio, socketio

sio = socketio.AsyncClient()

@sio.on("*")
def heard(event, *args):
    print(event, args[0] if args else None)

async def main():
    await sio.connect("${url}", auth={${auth('"', ":")}})
    await sio.wait()

asyncio.run(main())`,
    },
    {
      name: "Swift",
      needs: "socket.io-client-swift 16; not run by us",
      code: `let manager = SocketManager(socketURL: URL(string: "${url}")!)
let socket = manager.defaultSocket
socket.onAny { print($0.event, $0.items?.first ?? "") }
socket.connect(withPayload: [${auth('"', ":")}])`,
    },
    {
      name: "Java",
      needs: "io.socket:socket.io-client:2.1.1; not run by us",
      code: `${token === "" ? "" : `String token = "${token}";\n`}Socket socket = IO.socket("${url}?channel=${encodeURIComponent(channel)}"${
        token === "" ? ")" : `,\n    IO.Options.builder().setAuth(Map.of("token", token)).build())`
      };
socket.onAnyIncoming(args -> System.out.println(Arrays.toString(args)));
socket.connect();`,
    },
    {
      name: "Dart",
      needs: "socket_io_client 3; not run by us",
      code: `final socket = io('${url}', OptionBuilder()
    .setTransports(['websocket']).setAuth({${auth("'", ":")}}).build());
socket.onAny((event, data) => print('$event $data'));`,
    },
    {
      name: "curl",
      needs: "an admin key that may publish, in FANFARE_ADMIN_KEY",
      code: `curl ${admin}/v1/publish \\
  -H "Authorization: Bearer $FANFARE_ADMIN_KEY" \\
  -H 'Content-Type: application/json' \\
  -d '{"channel":"${channel}","data":{"hello":"world"}}'`,
    },
    {
      name: "AMQP",
      needs: "pip install pika, and FANFARE_AMQP_URL set",
      code: `import json, pika

connection = pika.BlockingConnection(pika.URLParameters("amqp://guest:guest@127.0.0.1"))
connection.channel().basic_publish(
    exchange="", routing_key="fanfare", body=json.dumps({"hello": "world"}),
    properties=pika.BasicProperties(delivery_mode=2, headers={"channel": "${channel}"}))
connection.close()`,
    },
    {
      name: "ZeroMQ",
      needs: "pip install pyzmq; goes to FANFARE_ZMQ_CHANNEL",
      code: `import time, zmq

socket = zmq.Context().socket(zmq.PUB)
socket.connect("tcp://127.0.0.1:5000")
time.sleep(0.5)  # a subscriber that is not there yet hears nothing
socket.send_json({"hello": "world"})
time.sleep(0.5)`,
    },
  ];
}
