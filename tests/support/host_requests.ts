/**
 * Asks this host what stdin says, under whatever permissions it was started with: a JSON array of
 * requests in, one line of JSON for each out. Started by `tests/e2e/host_test.ts`.
 * @module
 */
import { checkType } from "../../lib/checks/registry.ts";
import { DenoHost } from "../../lib/deno/host.ts";

/** One thing to do. */
export type HostRequest =
  | {
    /** Asks a check type. */
    readonly do: "probe";
    /** Its name. */
    readonly type: string;
    /** The check's fields. */
    readonly fields: Readonly<Record<string, string>>;
  }
  | {
    /** Runs a command. */
    readonly do: "shell";
    /** The command. */
    readonly command: string;
    /** When it times out. */
    readonly timeoutMs?: number;
    /** When it is aborted. */
    readonly abortAfterMs?: number;
  };

async function answer(host: DenoHost, request: HostRequest): Promise<unknown> {
  if (request.do === "probe") {
    const signal = new AbortController().signal;
    return await checkType(request.type)?.probe(request.fields, { host, signal });
  }
  const { command, timeoutMs = 20_000, abortAfterMs } = request;
  return await host.runShell(command, {
    environment: { GOSSIPCHECK_CHECK: "a check" },
    timeoutMs,
    outputLimitBytes: 1_000,
    ...(abortAfterMs !== undefined && { signal: AbortSignal.timeout(abortAfterMs) }),
  });
}

async function main(): Promise<void> {
  const requests: readonly HostRequest[] = JSON.parse(
    await new Response(Deno.stdin.readable).text(),
  );
  const host = new DenoHost();
  for (const request of requests) {
    const startMs = performance.now();
    const line = await answer(host, request).then(
      (result) => ({ result }),
      (error) => ({ error: `${error.name}: ${error.message}` }),
    );
    const tookMs = Math.round(performance.now() - startMs);
    await Deno.stdout.write(new TextEncoder().encode(`${JSON.stringify({ ...line, tookMs })}\n`));
  }
}

if (import.meta.main) await main();
