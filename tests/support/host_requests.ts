/**
 * Program of `tests/e2e/host_test.ts`: runs requests against `DenoHost` under the permissions that it
 * was started with. Reads a JSON array of requests on stdin and prints a line of JSON for each.
 * @module
 */
import { checkType } from "../../lib/checks/registry.ts";
import { DenoHost } from "../../lib/deno/host.ts";

/** A request. */
export type HostRequest =
  | {
    /** Runs the probe of a check type. */
    readonly do: "probe";
    /** The name of the check type. */
    readonly type: string;
    /** The fields of the check. */
    readonly fields: Readonly<Record<string, string>>;
  }
  | {
    /** Runs a shell command. */
    readonly do: "shell";
    readonly command: string;
    /** Timeout in milliseconds. */
    readonly timeoutMs?: number;
    /** Milliseconds until it is aborted. */
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
