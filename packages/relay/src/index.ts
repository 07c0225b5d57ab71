export { orderPeer, type PeerAgents, PeerGuard, peerAgents, peerKeepAliveMs } from "./peer.ts";
export { type EngineServer, Relay, type RelayParts } from "./relay.ts";
export { newSessionId, newSidPrefix, sessionIdOf } from "./session-id.ts";
