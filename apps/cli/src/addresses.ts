import type { Settings } from "@fanfare/config";

/** The admin API that client commands talk to, without a slash at the end. */
export function adminUrlOf({ adminUrl, adminPort }: Settings): string {
  return (adminUrl ?? `http://127.0.0.1:${adminPort}`).replace(/\/+$/, "");
}

/** The Socket.IO server that client commands connect to. */
export function publicUrlOf({ url, port }: Settings): string {
  return (url ?? `http://127.0.0.1:${port}`).replace(/\/+$/, "");
}
