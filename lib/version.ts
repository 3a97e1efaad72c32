/**
 * The version of the programs.
 * @module
 */
import configuration from "../deno.json" with { type: "json" };

/** The version, as in deno.json. */
export const VERSION: string = configuration.version;
