/**
 * Revokes the Deno permissions that a program needs only at its start. A program without a terminal
 * cannot get them back.
 * @module
 */

/** What a program needs permissions for after its start. */
export interface RemainingNeeds {
  /** Starting processes: actions, and some checks. */
  readonly processes: boolean;
  /** Writing files: the state and the audit log. */
  readonly files: boolean;
}

/**
 * Revokes the permissions that are needed only at the start (environment, host name, network
 * interfaces), and those that `needs` does not include. The permission to read the user id stays:
 * secret files are checked against it.
 */
export function revokePermissions(needs: RemainingNeeds): void {
  Deno.permissions.revokeSync({ name: "env" });
  for (const kind of ["hostname", "networkInterfaces"] as const) {
    Deno.permissions.revokeSync({ name: "sys", kind });
  }
  if (!needs.processes) Deno.permissions.revokeSync({ name: "run" });
  if (!needs.files) Deno.permissions.revokeSync({ name: "write" });
}
