import { refuseTooDeep } from "./depth.ts";
import type { Handler } from "./handler.ts";

/** Anything → `{ echo }`: the same back, for round trips. */
export const echo: Handler = async (_socket, _parts, request) => {
  refuseTooDeep(request);
  return { echo: request };
};
