/** `jsonc-parser` (Microsoft, MIT): JSON with the place of everything and every duplicate. @module */
// @ts-types="./jsonc.d.ts"
export { createScanner, parseTree, printParseErrorCode } from "npm:jsonc-parser@3.3.1";
export type { JSONScanner, Node, ParseError, ParseOptions } from "./jsonc.d.ts";
