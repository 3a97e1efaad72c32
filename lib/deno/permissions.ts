/**
 * Lets go of permissions that a running program does not need. Deno takes none of them back without
 * asking at a terminal, and our programs have none.
 * @module
 */

/** What a program still does after its start. */
export interface RemainingNeeds {
  /** Starts processes: actions, and some checks. */
  readonly processes: boolean;
  /** Writes files: its state and the audit log. */
  readonly files: boolean;
}

/**
 * Gives up what only a start needs (the environment, the host's name, its network interfaces), and
 * what by the flags is never needed. The user's id stays: secret files are judged by it.
 */
export function giveUpPermissions(needs: RemainingNeeds): void {
  Deno.permissions.revokeSync({ name: "env" });
  for (const kind of ["hostname", "networkInterfaces"] as const) {
    Deno.permissions.revokeSync({ name: "sys", kind });
  }
  if (!needs.processes) Deno.permissions.revokeSync({ name: "run" });
  if (!needs.files) Deno.permissions.revokeSync({ name: "write" });
}
