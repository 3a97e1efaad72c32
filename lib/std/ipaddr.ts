/** `ipaddr.js` (MIT): parses and formats IPv4 and IPv6 addresses and names their ranges. @module */
export { default as ipaddr, type IPv4, type IPv6 } from "npm:ipaddr.js@2.5.0";
