import { clientEvents } from "@fanfare/domain";
import { Type } from "typebox";

/** Channels stand percent-encoded in a path: `a/b` is `a%2Fb`, `#` is `%23`. */
export const ChannelParams = Type.Object({ channel: clientEvents.ChannelField });

export type ChannelParams = Type.Static<typeof ChannelParams>;
