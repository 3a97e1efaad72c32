/** `@std/cli/parse-args` from its npm republication. @module */
// @ts-types="./parse_args.d.ts"
export { parseArgs } from "npm:deno-std@1.4.0/cli/parse_args.js";
