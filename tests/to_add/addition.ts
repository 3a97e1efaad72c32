/**
 * What the proof of a row of ARCHITECTURE.md's table "To add …" is made of.
 * @module
 */

/** A change of one file: a text put behind another one, or a new file. */
export interface Edit {
  /** The file, from the project's folder. */
  readonly file: string;
  /** A text that the file holds exactly once; absent for a new file. */
  readonly after?: string;
  /** What is put behind it, or the text of the new file. */
  readonly add: string;
}

/** A fake addition. */
export interface Addition {
  /** What the row says is added, without backticks. */
  readonly row: string;
  /** What the author has to begin with. */
  readonly edits: readonly Edit[];
  /** The steps without which the rest does not compile: each file then has an error. */
  readonly forced?: readonly Edit[];
  /** The task that writes the row's other files. */
  readonly tasks?: readonly ("docs" | "golden")[];
  /** Tests of the project that must pass with the addition, and that forgotten steps fail. */
  readonly tests: readonly string[];
  /**
   * The body of a test that shows that the addition works. It may use `assertEquals`,
   * `assertStringIncludes`, `assertThrows`, and `import()` with paths from `tests/`.
   */
  readonly proof: string;
}
