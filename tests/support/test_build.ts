/**
 * A patched copy of the programs, or of more of the project, to run as real processes.
 * @module
 */
import { dirname, join } from "@std/path";
import type { CommandLine } from "./process.ts";
import { PROJECT } from "./gossipcheck_node.ts";

/** A replacement of text in a source file. */
export interface Patch {
  /** The path of the file, relative to the project. */
  readonly file: string;
  /** A text that the file contains exactly once. */
  readonly find: string;
  /** The new text. */
  readonly replace: string;
}

/** The files and folders to copy. */
const SOURCES = ["main.ts", "cli.ts", "deno.json", "deno.lock", "lib"];

/** A patched copy of the programs in a temporary folder. Disposing of it removes the folder. */
export class TestBuild implements Disposable {
  /** The folder of the copy. */
  readonly directory: string = Deno.makeTempDirSync({ prefix: "gossipcheck-build-" });

  /**
   * Copies the sources (default: those of the programs) and patches them. Throws if a patch does
   * not match exactly once.
   */
  constructor(patches: readonly Patch[], sources: readonly string[] = SOURCES) {
    for (const source of sources) copy(source, this.directory);
    for (const patch of patches) this.change(patch);
  }

  /** Patches a file. Throws if the text to replace does not occur exactly once. */
  change({ file, find, replace }: Patch): void {
    const path = join(this.directory, file);
    const parts = Deno.readTextFileSync(path).split(find);
    if (parts.length !== 2) {
      throw new Error(
        `${file} contains ${JSON.stringify(find)} ${parts.length - 1} times, expected 1`,
      );
    }
    Deno.writeTextFileSync(path, parts.join(replace));
  }

  /** Creates a file. Raises `Deno.errors.AlreadyExists` if it exists. */
  create(file: string, text: string): void {
    Deno.writeTextFileSync(join(this.directory, file), text, { createNew: true });
  }

  /** The text of every file, by its path relative to the copy's folder. */
  files(): ReadonlyMap<string, string> {
    return new Map(
      filesIn(this.directory).map((file) =>
        [file, Deno.readTextFileSync(join(this.directory, file))] as const
      ),
    );
  }

  /** Wraps a command line to run the copy of its program. */
  get wrap(): (line: CommandLine) => CommandLine {
    return (line) => ({ ...line, directory: this.directory });
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.directory, { recursive: true });
  }
}

function copy(path: string, to: string): void {
  const source = join(PROJECT, path);
  if (Deno.statSync(source).isFile) {
    Deno.mkdirSync(dirname(join(to, path)), { recursive: true });
    return Deno.copyFileSync(source, join(to, path));
  }
  for (const { name } of Deno.readDirSync(source)) copy(`${path}/${name}`, to);
}

function filesIn(directory: string, prefix = ""): string[] {
  return Array.from(Deno.readDirSync(join(directory, prefix))).flatMap((entry) => {
    const path = `${prefix}${entry.name}`;
    return entry.isDirectory ? filesIn(directory, `${path}/`) : [path];
  });
}
