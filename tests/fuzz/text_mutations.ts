/**
 * Changes of text, JSON above all, that keep most of it whole: a word, a text or a line replaced,
 * left out, doubled or moved.
 * @module
 */
import { type Mutation, spliced } from "./mutations.ts";

/** Texts, numbers, words and marks of JSON; words and spaces of everything else. */
const TOKEN = /"(?:[^"\\\n]|\\.)*"|[A-Za-z0-9_+./=-]+|\s+|[^\sA-Za-z0-9]/g;

/** What breaks weak parsers. */
const STRANGE: readonly string[] = [
  ...["{", "}", "[", "]", ":", ",", '"', "\\", "\n", "\r", "\t", " ", "#", "=", "//", "/* */"],
  ...["null", "true", "1", "-0", "1e999", "0x10", "{}", "[]", '""', "undefined", "NaN"],
  ...['"__proto__"', '"constructor"', '"\\ud800"', '"\\u0000"', '"type"', '"file_exists"'],
  ...['"\\u00e9"', '"\\x"', '"\u2028"', "\0", "\ud83d\ude00", "\ufeff", "\u0085", "\u202e"],
  ...['"24h"', '"25h"', '"1ms"', '"-1s"', '"999999999999999999999h"'],
  "[".repeat(70),
  '{"a":'.repeat(70),
  `"${"x".repeat(300)}"`,
  "9".repeat(400),
];

const encoder = new TextEncoder();

/** Changes for inputs that are UTF-8; others are taken as if they were. */
export const TEXT_MUTATIONS: readonly Mutation[] = [
  onTokens((tokens, random) => {
    tokens[random.below(tokens.length)] = random.pick(STRANGE);
  }),
  onTokens((tokens, random) => {
    tokens.splice(random.below(tokens.length), 0, random.pick(STRANGE));
  }),
  onTokens((tokens, random) => {
    tokens.splice(random.below(tokens.length), 1 + random.below(3));
  }),
  onTokens((tokens, random) => {
    const at = random.below(tokens.length);
    tokens.splice(at, 0, ...tokens.slice(at, at + 1 + random.below(12)));
  }),
  onTokens((tokens, random) => {
    tokens[random.below(tokens.length)] = random.pick(tokens);
  }),
  (bytes, random) => {
    const inserted = random.pick([[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xff, 0xfe], [0x00]]);
    const at = random.below(bytes.length + 1);
    return spliced(bytes, { at, removed: 0, inserted: new Uint8Array(inserted) });
  },
];

function onTokens(change: (tokens: string[], random: Parameters<Mutation>[1]) => void): Mutation {
  return (bytes, random) => {
    const tokens = new TextDecoder().decode(bytes).match(TOKEN) ?? [];
    if (tokens.length === 0) return bytes;
    change(tokens, random);
    return encoder.encode(tokens.join(""));
  };
}
