import { assert, assertGreater } from "@std/assert";
import { envelopeOf, readVectors, VECTOR_FILES } from "../../tests/support/vectors.ts";
import { SAMPLES } from "../../tests/support/wire_samples.ts";
import { WireError } from "../errors.ts";
import { DECOMPRESSED_MAX_BYTES } from "../limits.ts";
import { encodeMessage } from "./codec.ts";
import type { Envelope } from "./envelope.ts";
import { StreamReader } from "./frames.ts";
import { decompressLzw } from "./lzw.ts";

/** How many mutated inputs; a longer job sets it to a million and gives a seed of its own. */
const COUNT = Number(Deno.env.get("GOSSIPCHECK_MUTATIONS") ?? 20_000);
const SEED = Number(Deno.env.get("GOSSIPCHECK_MUTATION_SEED") ?? 1);

interface Subject {
  readonly name: string;
  readonly bytes: Uint8Array;
  read(bytes: Uint8Array): void;
}

/** Marsaglia's xorshift32: whole numbers below `limit`. */
function generator(seed: number): (limit: number) => number {
  let state = seed | 1;
  return (limit) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % limit;
  };
}

function subjects(): Subject[] {
  const plain = envelopeOf(readVectors("plain").layers);
  const found: Subject[] = Object.values(SAMPLES).flat().map((message) => ({
    name: `sample/${message.type}`,
    bytes: encodeMessage(message),
    read: (bytes) => void plain.openPacket(bytes),
  }));
  for (const file of VECTOR_FILES) {
    const { layers, vectors } = readVectors(file);
    const envelope = envelopeOf(layers);
    for (const { name, stream, reply, hex } of vectors) {
      found.push({
        name: `${file}/${name}`,
        bytes: Uint8Array.fromHex(hex),
        read: stream
          ? (bytes) => readStream(bytes, { envelope, reply })
          : (bytes) => void envelope.openPacket(bytes),
      });
    }
  }
  return found;
}

function readStream(bytes: Uint8Array, options: { envelope: Envelope; reply: boolean }): void {
  const reader = new StreamReader(options);
  reader.push(bytes);
  while (reader.take() !== undefined);
}

/** One to four of: a flipped bit, another byte, a cut, bytes doubled, bytes left out, lengths made huge. */
function mutate(bytes: Uint8Array, random: (limit: number) => number): Uint8Array {
  let mutated = [...bytes];
  for (let round = 0; round <= random(4); round++) {
    const at = random(mutated.length + 1);
    switch (random(6)) {
      case 0:
        mutated[at] = (mutated[at] ?? 0) ^ (1 << random(8));
        break;
      case 1:
        mutated[at] = random(256);
        break;
      case 2:
        mutated.length = at;
        break;
      case 3:
        mutated.splice(at, 0, ...mutated.slice(at, at + random(20)));
        break;
      case 4:
        mutated.splice(at, random(20));
        break;
      case 5:
        mutated = [...mutated.slice(0, at), 0xff, 0xff, 0xff, 0xff, ...mutated.slice(at + 4)];
    }
  }
  return new Uint8Array(mutated);
}

Deno.test(`${COUNT} mutated packets and streams are read or refused, nothing else`, () => {
  const random = generator(SEED);
  const all = subjects();
  let refused = 0;
  for (let index = 0; index < COUNT; index++) {
    const subject = all[random(all.length)]!;
    const bytes = mutate(subject.bytes, random);
    try {
      subject.read(bytes);
    } catch (error) {
      const about = `seed ${SEED}, mutation ${index} of ${subject.name}: ${bytes.toHex()}`;
      assert(error instanceof WireError, `${about}: ${error}`);
      refused++;
    }
  }
  assertGreater(refused, COUNT / 4);
});

Deno.test(`${COUNT} pieces of noise are decompressed or refused, nothing else`, () => {
  const random = generator(SEED + 1);
  for (let index = 0; index < COUNT; index++) {
    const noise = Uint8Array.from({ length: random(60) }, () => random(256));
    // Starting with a clear code takes it further.
    if (noise.length > 1) noise.set([0, noise[1]! | 1]);
    try {
      decompressLzw(noise, { limitBytes: DECOMPRESSED_MAX_BYTES });
    } catch (error) {
      assert(error instanceof WireError, `seed ${SEED}: ${noise.toHex()}: ${error}`);
    }
  }
});
