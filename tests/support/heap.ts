/**
 * Measures the memory in use after garbage collection.
 * @module
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Bytes in use after a garbage collection, including buffers. */
export function memoryInUseBytes(): number {
  // `gc()` exists only with a V8 flag, which may be set at run time.
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
  const { heapUsed, external } = Deno.memoryUsage();
  return heapUsed + external;
}
