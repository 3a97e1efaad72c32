/** `scripts/install.sh` against a local HTTP server, in folders of its own. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { createHash } from "node:crypto";

const SCRIPT = fromFileUrl(import.meta.resolve("../../scripts/install.sh"));
const TARGET = `${Deno.build.arch}-unknown-linux-gnu`;
const NAMES = ["gossipcheckd", "gcheck"] as const;

/** What the server has, by path; a path that it lacks is answered with 404. */
type Files = Map<string, string>;

function release(text: string): Files {
  const files: Files = new Map();
  let sums = "";
  for (const name of NAMES) {
    const content = `#!/bin/sh\necho ${name} ${text}\n`;
    files.set(`/${TARGET}/${name}`, content);
    sums += `${createHash("sha256").update(content).digest("hex")}  ${name}\n`;
  }
  return files.set(`/${TARGET}/SHA256SUMS`, sums);
}

interface World {
  readonly directory: string;
  readonly installDirectory: string;
  /** Runs the installer; `environment` overrides what it is given. */
  install(environment?: Record<string, string>): Promise<{ code: number; output: string }>;
  /** What is in the install directory, by name. */
  installed(): Record<string, string>;
}

async function inWorld(files: Files, body: (world: World) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "gossipcheck-install-" });
  const installDirectory = join(directory, "bin");
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, (request) => {
    const content = files.get(new URL(request.url).pathname);
    return content === undefined ? new Response("no", { status: 404 }) : new Response(content);
  });
  try {
    await body({
      directory,
      installDirectory,
      async install(environment = {}) {
        const { code, stdout, stderr } = await new Deno.Command("/bin/sh", {
          args: [SCRIPT],
          clearEnv: true,
          env: {
            PATH: "/usr/bin:/bin",
            HOME: directory,
            GOSSIPCHECK_BASE_URL: `http://127.0.0.1:${server.addr.port}`,
            GOSSIPCHECK_INSTALL_DIR: installDirectory,
            ...environment,
          },
        }).output();
        return {
          code,
          output: new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr),
        };
      },
      installed() {
        try {
          return Object.fromEntries(
            [...Deno.readDirSync(installDirectory)].map(({ name }) =>
              [name, Deno.readTextFileSync(join(installDirectory, name))] as const
            ),
          );
        } catch (error) {
          if (error instanceof Deno.errors.NotFound) return {};
          throw error;
        }
      },
    });
  } finally {
    await server.shutdown();
    await Deno.remove(directory, { recursive: true });
  }
}

/** A folder with programs of that name in front of the PATH. */
async function pathWith(directory: string, programs: Record<string, string>): Promise<string> {
  const folder = join(directory, "fake");
  await Deno.mkdir(folder, { recursive: true });
  for (const [name, body] of Object.entries(programs)) {
    await Deno.writeTextFile(join(folder, name), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  }
  return folder;
}

const ignore = Deno.build.os !== "linux";

Deno.test(
  { name: "installs both programs, executable, and nothing else", ignore },
  () =>
    inWorld(release("1"), async (world) => {
      const { code, output } = await world.install();
      assertEquals(code, 0, output);
      assertStringIncludes(output, "is not on PATH");
      assertEquals(Object.keys(world.installed()).sort(), ["gcheck", "gossipcheckd"]);
      for (const name of NAMES) {
        const run = await new Deno.Command(join(world.installDirectory, name)).output();
        assertEquals(new TextDecoder().decode(run.stdout), `${name} 1\n`);
      }
    }),
);

Deno.test(
  { name: "puts them into ~/.local/bin for who is not root", ignore },
  () =>
    inWorld(release("1"), async (world) => {
      const path = await pathWith(world.directory, { id: "echo 1000" });
      const local = join(world.directory, ".local", "bin");
      const { code, output } = await world.install({
        GOSSIPCHECK_INSTALL_DIR: "",
        PATH: `${path}:/usr/bin:/bin:${local}`,
      });
      assertEquals(code, 0, output);
      assertEquals([...Deno.readDirSync(local)].map((e) => e.name).sort(), [
        "gcheck",
        "gossipcheckd",
      ]);
      assertEquals(output.includes("PATH"), false, output);
    }),
);

Deno.test({ name: "replaces an older version, also one that is running", ignore }, async () => {
  const files = release("1");
  await inWorld(files, async (world) => {
    assertEquals((await world.install()).code, 0);
    // A running executable cannot be written to (ETXTBSY), only replaced.
    await Deno.copyFile("/bin/sleep", join(world.installDirectory, "gossipcheckd"));
    const running = new Deno.Command(join(world.installDirectory, "gossipcheckd"), {
      args: ["60"],
    }).spawn();
    try {
      for (const [path, content] of release("2")) files.set(path, content);
      const { code, output } = await world.install();
      assertEquals(code, 0, output);
    } finally {
      running.kill("SIGKILL");
      await running.status;
    }
    for (const name of NAMES) assertStringIncludes(world.installed()[name] ?? "", `${name} 2`);
    assertEquals(Object.keys(world.installed()).length, 2);
  });
});

interface Refusal {
  readonly name: string;
  /** What is changed about a good release. */
  readonly spoil?: (files: Files) => void;
  readonly programs?: Record<string, string>;
  readonly environment?: Record<string, string>;
  readonly says: string;
}

const REFUSALS: readonly Refusal[] = [
  {
    name: "a changed executable",
    spoil: (files) => files.set(`/${TARGET}/gcheck`, "something else"),
    says: "gcheck: its SHA-256 is",
  },
  {
    name: "an executable cut short",
    spoil: (files) => files.set(`/${TARGET}/gossipcheckd`, "#!/bin/sh\n"),
    says: "gossipcheckd: its SHA-256 is",
  },
  {
    name: "a missing executable",
    spoil: (files) => files.delete(`/${TARGET}/gcheck`),
    says: "cannot download http://127.0.0.1",
  },
  {
    name: "missing checksums",
    spoil: (files) => files.delete(`/${TARGET}/SHA256SUMS`),
    says: "/SHA256SUMS",
  },
  {
    name: "checksums that leave one out",
    spoil: (files) => files.set(`/${TARGET}/SHA256SUMS`, `${"0".repeat(64)}  other\n`),
    says: "SHA256SUMS does not list gossipcheckd",
  },
  {
    name: "a system without executables",
    programs: { uname: "case $1 in -s) echo FreeBSD;; *) echo x86_64;; esac" },
    says: "FreeBSD is not supported",
  },
  {
    name: "a processor without executables",
    programs: { uname: "case $1 in -s) echo Linux;; *) echo riscv64;; esac" },
    says: "the processor riscv64 is not supported",
  },
  {
    name: "no base URL",
    environment: { GOSSIPCHECK_BASE_URL: "" },
    says: "GOSSIPCHECK_BASE_URL is not set",
  },
  {
    name: "a server that is not there",
    environment: { GOSSIPCHECK_BASE_URL: "http://127.0.0.1:1" },
    says: "cannot download http://127.0.0.1:1/",
  },
];

for (const refusal of REFUSALS) {
  Deno.test({ name: `leaves the older version alone: ${refusal.name}`, ignore }, async () => {
    const files = release("1");
    await inWorld(files, async (world) => {
      assertEquals((await world.install()).code, 0);
      const before = world.installed();
      for (const [path, content] of release("2")) files.set(path, content);
      refusal.spoil?.(files);
      const fake = await pathWith(world.directory, refusal.programs ?? {});
      const { code, output } = await world.install({
        PATH: `${fake}:/usr/bin:/bin`,
        ...refusal.environment,
      });
      assertEquals(code, 1, output);
      assertStringIncludes(output, refusal.says);
      assertEquals(world.installed(), before);
    });
  });
}

Deno.test({ name: "takes the first back where the second cannot be placed", ignore }, async () => {
  const files = release("1");
  await inWorld(files, async (world) => {
    assertEquals((await world.install()).code, 0);
    const before = world.installed();
    for (const [path, content] of release("2")) files.set(path, content);
    const fake = await pathWith(world.directory, {
      mv: 'for last; do :; done; case $last in */gcheck) exit 1;; esac; exec /bin/mv "$@"',
    });
    const { code, output } = await world.install({ PATH: `${fake}:/usr/bin:/bin` });
    assertEquals(code, 1, output);
    assertStringIncludes(output, "nothing was installed");
    assertEquals(world.installed(), before);
  });
});

/** A PATH of only these programs, as links to the real ones. */
async function onlyPrograms(directory: string, names: readonly string[]): Promise<string> {
  const folder = join(directory, "only");
  await Deno.mkdir(folder);
  for (const name of names) {
    const found = ["/usr/bin", "/bin"].map((one) => join(one, name)).find((path) => {
      try {
        return Deno.statSync(path).isFile;
      } catch {
        return false;
      }
    });
    if (found !== undefined) await Deno.symlink(found, join(folder, name));
  }
  return folder;
}

const TOOLS = ["awk", "chmod", "cp", "cut", "id", "mkdir", "mktemp", "mv", "rm", "uname"];

for (const tool of ["curl", "wget"]) {
  const missing = ignore || ![`/usr/bin/${tool}`, `/bin/${tool}`].some((path) => {
    try {
      return Deno.statSync(path).isFile;
    } catch {
      return false;
    }
  });
  Deno.test(
    { name: `downloads with ${tool} alone`, ignore: missing },
    () =>
      inWorld(release("1"), async (world) => {
        const path = await onlyPrograms(world.directory, [...TOOLS, "sha256sum", tool]);
        const { code, output } = await world.install({ PATH: path });
        assertEquals(code, 0, output);
        assertEquals(Object.keys(world.installed()).length, 2);
      }),
  );
}

Deno.test(
  { name: "says what is missing to download or to check", ignore },
  () =>
    inWorld(release("1"), async (world) => {
      const path = await onlyPrograms(world.directory, TOOLS);
      const { code, output } = await world.install({ PATH: path });
      assertEquals(code, 1, output);
      assertStringIncludes(output, "neither curl nor wget");
      assertEquals(world.installed(), {});
    }),
);

function hasShellcheck(): boolean {
  try {
    return new Deno.Command("shellcheck", { args: ["--version"] }).outputSync().success;
  } catch {
    return false;
  }
}

Deno.test(
  { name: "shellcheck finds nothing in it, nor in .ci/run", ignore: !hasShellcheck() },
  async () => {
    const { success, stdout } = await new Deno.Command("shellcheck", {
      args: [SCRIPT, fromFileUrl(import.meta.resolve("../../.ci/run"))],
    }).output();
    assertEquals(success, true, new TextDecoder().decode(stdout));
  },
);
