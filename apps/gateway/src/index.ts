export { type Gateway, type GatewayOptions, startGateway } from "./gateway.ts";
export { type Embedding, main } from "./main.ts";
export { observeFanout } from "./observe.ts";
export type { GatewayParts } from "./parts.ts";
