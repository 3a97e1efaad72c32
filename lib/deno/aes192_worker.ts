/**
 * The other end of `Aes192Worker`: WebCrypto's AES-GCM, one request after the other, out of and back
 * into memory that both ends share. `aes192.ts` says where in it everything stands.
 * @module
 */

/** Keys that are kept ready to use; more are ready again after a moment. */
const READY_KEYS_MAX = 4;
const readyKeys = new Map<string, CryptoKey>();

async function ready(raw: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  const name = raw.toHex();
  let key = readyKeys.get(name);
  if (key === undefined) {
    key = await crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["encrypt", "decrypt"]);
    if (readyKeys.size === READY_KEYS_MAX) readyKeys.clear();
    readyKeys.set(name, key);
  }
  return key;
}

/** The length of the result, which stands where the text stood; -1 where the tag does not match. */
async function carryOut(control: Int32Array, memory: Uint8Array): Promise<number> {
  const [, isSealing = 0, associatedBytes = 0, textBytes = 0] = control;
  let at = 0;
  // WebCrypto takes nothing that another thread could change meanwhile.
  const next = (length: number) => new Uint8Array(memory.slice(at, at += length));
  const key = await ready(next(24));
  const algorithm = { name: "AES-GCM", iv: next(12), additionalData: next(associatedBytes) };
  const text = next(textBytes);
  try {
    const result = isSealing === 1
      ? await crypto.subtle.encrypt(algorithm, key, text)
      : await crypto.subtle.decrypt(algorithm, key, text);
    memory.set(new Uint8Array(result), at - textBytes);
    return result.byteLength;
  } catch (error) {
    if (error instanceof DOMException && error.name === "OperationError") return -1;
    throw error;
  }
}

async function serve(shared: { control: SharedArrayBuffer; memory: SharedArrayBuffer }) {
  const control = new Int32Array(shared.control);
  const memory = new Uint8Array(shared.memory);
  for (;;) {
    // Blocks, since there is nothing else to do here; Deno 2.6.8 may miss the end of `waitAsync`.
    let state;
    while ((state = Atomics.load(control, 0)) !== 1) {
      if (state === 3) return globalThis.close();
      Atomics.wait(control, 0, state);
    }
    control[4] = await carryOut(control, memory);
    Atomics.store(control, 0, 2);
    Atomics.notify(control, 0);
  }
}

globalThis.addEventListener("message", (event) => void serve((event as MessageEvent).data));
