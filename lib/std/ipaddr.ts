/** The IP address parser of `ipaddr.js` (MIT), which ships no usable module types. @module */
// @ts-types="./ipaddr.d.ts"
export { default as ipaddr } from "npm:ipaddr.js@2.5.0";
export type { IpAddress } from "./ipaddr.d.ts";
