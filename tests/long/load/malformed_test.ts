/** A million malformed packets and streams; `GOSSIPCHECK_STORM_SEED` gives others. */
import { assertWithstands } from "../../support/malformed.ts";

const ignore = Deno.build.os !== "linux";
const because = ignore ? " (skipped, this machine lacks /proc)" : "";
const COUNT = 1_000_000;
const SEED = Deno.env.get("GOSSIPCHECK_STORM_SEED") ?? "1";

for (const keyring of [false, true]) {
  const kind = keyring ? "an encrypted cluster" : "a cluster without a key";
  Deno.test({
    name: `${COUNT / 2} of a million mutated packets and streams do ${kind} no harm${because}`,
    ignore,
  }, () => assertWithstands({ count: COUNT / 2, keyring, seed: SEED }));
}
