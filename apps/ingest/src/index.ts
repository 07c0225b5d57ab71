export { type Embedding, main, type RunningIngest } from "./main.ts";
