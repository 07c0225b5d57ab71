export { type AdminShared, main, type RunningAdmin } from "./main.ts";
export { type AdminParts, createAdmin } from "./server.ts";
