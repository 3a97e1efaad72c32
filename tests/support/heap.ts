/**
 * How much memory is really in use.
 * @module
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Bytes that are in use once the collector has taken away everything else, buffers included. */
export function memoryInUseBytes(): number {
  // The collector can be called only where a flag says so, which may be set at any time.
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
  const { heapUsed, external } = Deno.memoryUsage();
  return heapUsed + external;
}
