/** Right inputs, or nearly: what is broken from here gets further than noise does. */
const long = "x".repeat(300);

export const packets = [
  "40",
  '40{"token":"a.b.c"}',
  '40{"channels":["public:a"],"pid":"p","offset":"1.1"}',
  '40/other,{"a":1}',
  "41",
  "2",
  "3",
  "1",
  "5",
  "6",
  '42["subscribe","public:a"]',
  '421["subscribe",{"channel":"public:a","since":{"epoch":"e","offset":1}}]',
  '422["subscribe",{"channel":"public:b","rewind":3}]',
  '423["unsubscribe",{"channel":"public:a"}]',
  '424["publish",{"channel":"public:a","data":{"a":[1,2,{"b":null}]},"event":"e","id":"i"}]',
  '425["history",{"channel":"public:a","limit":10,"reverse":true}]',
  '426["presence",{"channel":"public:a"}]',
  '427["whoami"]',
  '428["refresh",{"token":"a.b.c"}]',
  '429["echo",{"a":1}]',
  `42["${long}"]`,
  '431["ack"]',
  '44{"message":"no"}',
  '451-["publish",{"channel":"public:a","data":{"_placeholder":true,"num":0}}]',
  '452-7["echo",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]',
  '461-8[{"_placeholder":true,"num":0}]',
  "bAAECAw==",
] as const;

export const queries = [
  "EIO=4&transport=polling",
  "EIO=3&transport=polling",
  "EIO=4&transport=websocket",
  "EIO=4&transport=polling&channel=public:a&channel=public:b",
  "EIO=4&transport=polling&sid=0a1b2c3d.AAAAAAAAAAAAAAAAAAAA",
  "EIO=4&transport=webtransport&t=abc",
  "EIO=4&transport=polling&j=0&b64=1",
] as const;

export const bodies = [
  '{"channel":"public:a","data":{"a":1},"event":"e","id":"i","except":"s"}',
  '{"channels":["public:a","public:b"],"data":[1,2,3]}',
  '{"channel":"public:a","data":{"base64":"AAEC"}}',
  '{"items":[{"channel":"public:a","data":1},{"channel":"public:b","data":2}]}',
  '{"channel":"public:a","data":1}\n{"channel":"public:b","data":2}\n',
  '{"user":"ada","reason":"r","issuedBefore":1}',
] as const;

export const paths = [
  "/v1/publish",
  "/v1/publish/batch",
  "/v1/publish/stream",
  "/v1/channels?prefix=p&limit=2&cursor=abc",
  "/v1/channels/public:a",
  "/v1/channels/public:a/history?since=e:0&limit=1&reverse=true",
  "/v1/channels/public:a/presence",
  "/v1/channels/public:a/connections",
  "/v1/connections?user=ada&channel=public:a&node=n&sort=unsent&cursor=abc&limit=3",
  "/v1/connections/abc",
  "/v1/users?cursor=x",
  "/v1/users/ada/connections",
  "/v1/nodes",
  "/v1/stats",
  "/v1/revocations",
  "/openapi.json",
  "/docs/errors",
  "/console/",
  "/healthz",
] as const;

/** Whole requests as they stand on the wire; what comes back may be anything but a 5xx. */
export const rawRequests = [
  "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\n\r\n",
  "POST /socket.io/?EIO=4&transport=polling&sid=a HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n40ab",
  "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
  "POST /v1/publish HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
  "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 1.1.1.1\r\n\r\n",
  "OPTIONS /socket.io/?EIO=4 HTTP/1.1\r\nHost: x\r\nOrigin: https://evil.example\r\n\r\n",
] as const;

/** What travels on Redis channels: announcements, a stock node's messages, node orders, an emitter's msgpack. */
export const messages: readonly (string | Uint8Array)[] = [
  '{"fanfare":"1:0:l::e:1:1:0","uid":"fanfare","nsp":"/","type":3,"data":{"opts":{"rooms":["{0}public:a"],"except":[],"flags":{}},"packet":{"type":2,"nsp":"/","data":["message",1,{"channel":"public:a","offset":1,"epoch":"e","at":1},"1.1"]}}}',
  '{"uid":"x","nsp":"/","type":3,"data":{"opts":{"rooms":["{0}public:a"],"except":[],"flags":{}},"packet":{"type":2,"nsp":"/","data":["e",1]}}}',
  '{"uid":"x","nsp":"/","type":4,"data":{"opts":{"rooms":[],"except":[]},"rooms":["r"]}}',
  '{"uid":"x","nsp":"/","type":6,"data":{"opts":{"rooms":[],"except":[]},"close":true}}',
  '{"uid":"x","nsp":"/","type":8,"data":{"requestId":"r","packet":["a"]}}',
  '{"close":"someSessionId","turn":9}',
  '{"type":4,"opts":{"rooms":[],"except":[]},"close":true}',
  '{"requestId":"r","type":0,"uid":"u"}',
  '{"users":["ada"],"version":3,"joined":[],"left":[]}',
  // ["uid", {type: 2, data: ["e", 1], nsp: "/"}, {rooms: [], except: [], flags: {}}] in msgpack
  Buffer.from("93a375696483a47479706502a4646174619" + "2a16501a36e7370a12f83a5726f6f6d7390a665786365707490a5666c61677380", "hex"),
  Buffer.from([0xc1, 0xff, 0x93, 0x00]),
];
