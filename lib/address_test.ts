import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import {
  formatAddress,
  ipFromBytes,
  ipToBytes,
  isIp,
  isLoopback,
  isPrivate,
  isUnspecified,
  sameAddress,
  splitHostPort,
} from "./address.ts";
import { AddressError, WireError } from "./errors.ts";

Deno.test("addresses are written with brackets around IPv6 alone", () => {
  assertStrictEquals(formatAddress({ host: "1.2.3.4", port: 5 }), "1.2.3.4:5");
  assertStrictEquals(formatAddress({ host: "::1", port: 5 }), "[::1]:5");
  assertStrictEquals(formatAddress({ hostname: "example.org", port: 80 }), "example.org:80");
  assertStrictEquals(formatAddress({ hostname: "", port: 3505 }), ":3505");
});

const IP_BYTES: readonly (readonly [text: string, bytes: readonly number[], canonical: string])[] =
  [
    ["1.2.3.4", [1, 2, 3, 4], "1.2.3.4"],
    ["255.255.255.255", [255, 255, 255, 255], "255.255.255.255"],
    ["0.0.0.0", [0, 0, 0, 0], "0.0.0.0"],
    ["::", [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], "::"],
    ["0:0:0:0:0:0:0:1", [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], "::1"],
    [
      "2001:DB8::00ff:0:0",
      [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0xff, 0, 0, 0, 0],
      "2001:db8::ff:0:0",
    ],
    ["::ffff:10.1.2.3", [10, 1, 2, 3], "10.1.2.3"],
  ];

Deno.test("IP addresses go to bytes and back to their canonical text", () => {
  for (const [text, bytes, canonical] of IP_BYTES) {
    assertEquals([...ipToBytes(text)], [...bytes], text);
    assertStrictEquals(ipFromBytes(new Uint8Array(bytes)), canonical);
  }
});

Deno.test("IPv4 mapped into IPv6 comes out dotted", () => {
  const mapped = new Uint8Array([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 9, 8, 7, 6]);
  assertStrictEquals(ipFromBytes(mapped), "9.8.7.6");
});

Deno.test("bytes of another length are no address", () => {
  for (const length of [0, 1, 3, 5, 15, 17, 64]) {
    const error = assertThrows(() => ipFromBytes(new Uint8Array(length)), WireError);
    assertStrictEquals(error.reason, "bad_address");
  }
});

Deno.test("what is not an IP address has no bytes", () => {
  const bad = ["", "host", "1.2.3", "1.2.3.4.5", "1.2.3.256", "010.0.0.1", "0x7f.1", "2130706433"];
  for (const text of [...bad, "[::1]", "fe80::1%eth0", "1::2::3", ":", "1.2.3.4:5"]) {
    assertStrictEquals(isIp(text), false, text);
    assertThrows(() => ipToBytes(text), AddressError, `"${text}"`);
  }
});

Deno.test("addresses are classed", () => {
  const classes: readonly (readonly [host: string, classes: string])[] = [
    ["127.0.0.1", "loopback"],
    ["127.9.9.9", "loopback"],
    ["::1", "loopback"],
    ["::ffff:127.0.0.1", "loopback"],
    ["10.0.0.1", "private"],
    ["172.16.0.1", "private"],
    ["172.32.0.1", ""],
    ["192.168.1.1", "private"],
    ["fd00::1", "private"],
    ["0.0.0.0", "unspecified"],
    ["0.0.0.1", ""],
    ["::", "unspecified"],
    ["8.8.8.8", ""],
    ["2001:4860::1", ""],
    ["localhost", ""],
  ];
  for (const [host, expected] of classes) {
    assertStrictEquals(isLoopback(host), expected === "loopback", host);
    assertStrictEquals(isPrivate(host), expected === "private", host);
    assertStrictEquals(isUnspecified(host), expected === "unspecified", host);
  }
});

Deno.test("host and port are taken apart", () => {
  const cases: readonly (readonly [string, number | undefined, string, number])[] = [
    ["127.0.0.1:2000", undefined, "127.0.0.1", 2000],
    [":3505", undefined, "", 3505],
    [":0", undefined, "", 0],
    ["[::1]:2000", undefined, "::1", 2000],
    ["[0:0::1]:2000", undefined, "::1", 2000],
    ["web-1.example.org:80", undefined, "web-1.example.org", 80],
    ["web", 7, "web", 7],
    ["web:8", 7, "web", 8],
    ["[::1]", 7, "::1", 7],
    ["::1", 7, "::1", 7],
    ["10.0.0.1", 7, "10.0.0.1", 7],
    ["host:65535", undefined, "host", 65535],
  ];
  for (const [text, defaultPort, hostname, port] of cases) {
    const options = defaultPort === undefined ? {} : { defaultPort };
    assertEquals(splitHostPort(text, options), { hostname, port }, text);
  }
});

Deno.test("a bad address is refused with its text and what was expected", () => {
  const cases: readonly (readonly [string, number | undefined, string])[] = [
    ["", undefined, "port is missing"],
    ["", 7, "expected host:port"],
    ["host", undefined, "port is missing"],
    ["host:", 7, "0 to 65535"],
    ["host:65536", 7, "0 to 65535"],
    ["host:-1", 7, "0 to 65535"],
    ["host:1e3", 7, "0 to 65535"],
    ["host:http", 7, "0 to 65535"],
    ["a b:1", 7, "expected host:port"],
    ["http://x", 7, "0 to 65535"],
    ["::1", undefined, "[::1]:2000"],
    ["1:2:3", 7, "[::1]:2000"],
    ["[::1", 7, "[::1]:2000"],
    ["[host]:1", 7, "brackets"],
    ["[1.2.3.4]:1", 7, "brackets"],
    ["[fe80::1%eth0]:1", 7, "brackets"],
    ["[::1]", undefined, "port is missing"],
    ["[::1]x", 7, "[::1]:2000"],
    ["[::1]:", 7, "0 to 65535"],
    ["[]:1", 7, "brackets"],
  ];
  for (const [text, defaultPort, expected] of cases) {
    const options = defaultPort === undefined ? {} : { defaultPort };
    const error = assertThrows(() => splitHostPort(text, options), AddressError, expected);
    assertStrictEquals(error.message.includes(JSON.stringify(text)), true, error.message);
  }
});

Deno.test("the same endpoint is known under every text form", () => {
  const cases: readonly (readonly [string, string, boolean])[] = [
    ["1.2.3.4", "1.2.3.4", true],
    ["1.2.3.4", "::ffff:1.2.3.4", true],
    ["::1", "0:0::1", true],
    ["::1", "::2", false],
    ["a", "b", false],
    ["a", "a", true],
  ];
  for (const [a, b, same] of cases) {
    assertStrictEquals(sameAddress({ host: a, port: 1 }, { host: b, port: 1 }), same, `${a} ${b}`);
  }
  assertStrictEquals(sameAddress({ host: "::1", port: 1 }, { host: "::1", port: 2 }), false);
});
