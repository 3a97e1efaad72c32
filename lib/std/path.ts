/** `@std/path` from the npm package `deno-std` (MIT). @module */
// @ts-types="./path.d.ts"
export {
  basename,
  dirname,
  fromFileUrl,
  globToRegExp,
  isAbsolute,
  join,
  relative,
  resolve,
} from "npm:deno-std@1.4.0/path/mod.js";
