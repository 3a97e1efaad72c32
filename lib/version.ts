/**
 * The one place that the version is read from.
 * @module
 */
import configuration from "../deno.json" with { type: "json" };

/** The release, as in deno.json. */
export const VERSION: string = configuration.version;
