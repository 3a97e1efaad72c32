/** Mutated input for every decoder that reads from a socket or from a file of the operator. */
import { assert, assertGreater, assertLess } from "@std/assert";
import { SeededRandom } from "../support/world_time.ts";
import { CHECK_DECODERS } from "./decoders/checks.ts";
import { CLIENT_DECODERS } from "./decoders/client.ts";
import { GOSSIP_DECODERS } from "./decoders/gossip.ts";
import { SECRET_DECODERS } from "./decoders/secrets.ts";
import { WIRE_DECODERS } from "./decoders/wire.ts";
import { msgpackMutations } from "./msgpack_mutations.ts";
import { BLIND, type Mutation, noise } from "./mutations.ts";
import type { Subject } from "./subject.ts";
import { TEXT_MUTATIONS } from "./text_mutations.ts";

/** How many inputs each decoder gets, and where chance begins: another seed gives others. */
const CASES = Number(Deno.env.get("GOSSIPCHECK_FUZZ_CASES") ?? 100_000);
const SEED = Deno.env.get("GOSSIPCHECK_FUZZ_SEED") ?? "1";
/** Of a thousand inputs this many are noise, not made of a sample. */
const NOISE_PER_MILLE = 20;

const SUBJECTS: readonly Subject[] = [
  ...WIRE_DECODERS,
  ...GOSSIP_DECODERS,
  ...CLIENT_DECODERS,
  ...CHECK_DECODERS,
  ...SECRET_DECODERS,
];

for (const subject of SUBJECTS) {
  Deno.test(`${subject.name}: samples are taken, and what once did harm does none`, async () => {
    for (const sample of subject.samples) assert(await subject.take(sample), describe(sample));
    for (const input of Object.values(subject.regressions ?? {})) await subject.take(input);
  });
  Deno.test(`${subject.name}: ${CASES} mutated inputs are decoded or refused, nothing else`, () =>
    throwAt(subject));
}

async function throwAt(subject: Subject): Promise<void> {
  const random = new SeededRandom(`${subject.name} ${SEED}`);
  const shaped = mutationsOf(subject);
  let taken = 0;
  // Most inputs are refused, and where is of no interest then: it takes a third of the time.
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    for (let index = 0; index < CASES; index++) {
      const input = mutate(random.pick(subject.samples), { random, shaped });
      const wrong = await faultOf(subject, input);
      if (wrong === undefined) taken++;
      else if (wrong !== "refused") {
        Error.stackTraceLimit = stackTraceLimit;
        const { stack } = await faultOf(subject, input) as Error;
        throw new Error(`seed ${SEED}, input ${index} (${describe(input)}): ${stack}`);
      }
    }
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
  // Where all or none came through, the mutations would be too weak or too wild to find anything.
  assertGreater(taken, CASES / 200, "hardly any input was taken");
  assertLess(taken, CASES * 0.95, "hardly any input was refused");
}

async function faultOf(
  subject: Subject,
  input: Uint8Array,
): Promise<"refused" | Error | undefined> {
  try {
    return await subject.take(input) ? undefined : "refused";
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

function mutationsOf({ form, start }: Subject): readonly Mutation[] {
  if (form === "msgpack") return msgpackMutations(start ?? 0);
  return form === "text" ? TEXT_MUTATIONS : BLIND;
}

/** One to three changes, one in four of them blind. */
function mutate(
  sample: Uint8Array,
  { random, shaped }: { random: SeededRandom; shaped: readonly Mutation[] },
): Uint8Array {
  if (random.below(1000) < NOISE_PER_MILLE) return noise(random);
  let bytes = sample;
  for (let round = random.below(3); round >= 0; round--) {
    bytes = random.pick(random.chance(0.25) ? BLIND : shaped)(bytes, random);
  }
  return bytes;
}

function describe(input: Uint8Array): string {
  return input.length > 4000 ? `${input.length} bytes` : input.toHex();
}
