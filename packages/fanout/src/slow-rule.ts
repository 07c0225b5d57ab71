/** What becomes of a subscriber that reads too slowly: closed, given the newest of each event, or given all of it later. */
export type SlowRule = "disconnect" | "latest" | "catchup";
