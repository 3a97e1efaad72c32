/** One parsed IP address. */
export interface IpAddress {
  /** Its family. */
  kind(): "ipv4" | "ipv6";
  /** Its kind by the IANA registries: `loopback`, `private`, `uniqueLocal`, `unspecified`, … */
  range(): string;
  /** 4 or 16 bytes in network order. */
  toByteArray(): number[];
  /** Dotted, or as RFC 5952 wants it. */
  toString(): string;
}
/** What of `ipaddr.js` the project uses. */
declare const ipaddr: {
  /** Parses; an IPv4-mapped IPv6 address becomes IPv4. Throws on anything else. */
  process(text: string): IpAddress;
  /** From 4 or 16 bytes. */
  fromByteArray(bytes: number[]): IpAddress;
  /** IPv4. */
  readonly IPv4: {
    /** Four decimal parts, no leading zeros. */
    isValidFourPartDecimal(text: string): boolean;
  };
  /** IPv6. */
  readonly IPv6: {
    /** Any IPv6 text form, a zone included. */
    isValid(text: string): boolean;
  };
};
export { ipaddr as default };
