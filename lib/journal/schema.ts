/**
 * The tables of the journal.
 * @module
 */

/** Idempotent statements that create the tables. */
export const JOURNAL_SCHEMA: readonly string[] = [
  `CREATE TABLE IF NOT EXISTS seen (sequence INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL)`,
  `CREATE TABLE IF NOT EXISTS batch (
     id TEXT PRIMARY KEY, bytes BLOB NOT NULL, accepted_wall_ms INTEGER NOT NULL,
     age_ms INTEGER NOT NULL, cancelled INTEGER NOT NULL, released INTEGER NOT NULL)`,
  `CREATE TABLE IF NOT EXISTS run (id TEXT PRIMARY KEY, header BLOB NOT NULL, body BLOB NOT NULL)`,
  `CREATE TABLE IF NOT EXISTS started_action (
     id TEXT NOT NULL, check_name TEXT NOT NULL, PRIMARY KEY (id, check_name))`,
  `CREATE TABLE IF NOT EXISTS ended_check (
     id TEXT NOT NULL, check_name TEXT NOT NULL, result BLOB NOT NULL,
     PRIMARY KEY (id, check_name))`,
  `CREATE TABLE IF NOT EXISTS outcome (
     id TEXT PRIMARY KEY, header BLOB NOT NULL, passed INTEGER NOT NULL, report BLOB NOT NULL,
     settled INTEGER NOT NULL)`,
  `CREATE TABLE IF NOT EXISTS collection (
     id TEXT PRIMARY KEY, header BLOB NOT NULL, stage_size INTEGER, max_failures INTEGER)`,
  `CREATE TABLE IF NOT EXISTS collected (
     id TEXT NOT NULL, position INTEGER NOT NULL, node TEXT NOT NULL, state TEXT NOT NULL,
     detail TEXT, passed INTEGER, report BLOB, PRIMARY KEY (id, node))`,
];
