import { clientEvents, Type } from "@fanfare/domain";

/** Channels stand percent-encoded in a path: `a/b` is `a%2Fb`, `#` is `%23`. */
export const ChannelParams = Type.Object({ channel: clientEvents.ChannelField });

export type ChannelParams = Type.Static<typeof ChannelParams>;
