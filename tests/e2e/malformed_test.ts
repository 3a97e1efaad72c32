/** Malformed input in every run; the long tests send a million pieces. */
import { assertWithstands } from "../support/malformed.ts";

const ignore = Deno.build.os !== "linux";
const because = ignore ? " (skipped, this machine lacks /proc)" : "";
const COUNT = 20_000;

for (const keyring of [false, true]) {
  const kind = keyring ? "an encrypted cluster" : "a cluster without a key";
  Deno.test({
    name: `${COUNT} mutated packets and streams do ${kind} no harm${because}`,
    ignore,
  }, () => assertWithstands({ count: COUNT, keyring, seed: "1" }));
}
