/**
 * `fast-string-width` (MIT): terminal columns that a string takes. `@std/cli/unicode-width` does not
 * load from the npm package `deno-std` 1.4.0, which leaves out its table (`_data.json`).
 * @module
 */
export { default as stringWidth } from "npm:fast-string-width@3.0.2";
