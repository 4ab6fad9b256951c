/**
 * Packs what `bench/device/run.ts` needs into a folder: Node, Dawn, a Vulkan loader, and Weft with the packages that it
 * imports. The folder's `run.sh` runs on a Linux machine that has neither Node nor a network:
 *   node bench/device/pack.ts [--out .weft/device]
 */
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Console, Effect, FileSystem, Schema } from "effect"
import { Command, Flag } from "effect/cli"
import { existsSync, readdirSync, realpathSync, statSync } from "node:fs"
import { dirname, join, resolve } from "node:path"
import { fileURLToPath } from "node:url"
import { runCommand } from "../../src/layers/backend/command.ts"
import { manifest } from "../../src/layers/machine/manifest.ts"
import { packagesOf } from "./packages.ts"

const root = fileURLToPath(new URL("../..", import.meta.url))

/** The most bytes of a pack, so that it reaches a rented machine in seconds. */
const most = 64 * 2 ** 20

/** What the steps import beside Weft's own dependencies. */
const packages = [
  "@effect/platform-node",
  "@effect/vitest",
  "@tensorflow/tfjs-backend-webgpu",
  "effect",
  "vitest",
  "webgpu"
]

/** The program, its benches, and the tests of the engines' contract with what they import. */
const sources = ["package.json", "vitest.config.ts", "src", "bench", "test/*.ts", "test/model", "test/layers/engines"]

/** Beside the repository, where they exist: PyTorch's numbers, and what lets torchvision run on a build for processors. */
const beside = ["fixtures", "peers/tvfix.py"]

/** Debian's Vulkan loader; and what an NVIDIA driver links to that was built for machines with a screen. */
const loader = ["libvulkan1"]
const screen = ["libx11-6", "libxext6", "libxcb1", "libxau6", "libxdmcp6", "libbsd0", "libmd0", "libglvnd0"]

class NotPacked extends Schema.TaggedError<NotPacked>()("NotPacked", { what: Schema.String, why: Schema.String }) {
  override get message() {
    return `Cannot pack ${this.what}: ${this.why}`
  }
}

/** Runs a shell script: what it printed, or a failure that says why. */
const shell = Effect.fnUntraced(function* (what: string, script: string, ...args: ReadonlyArray<string>) {
  const { code, errors, output } = yield* runCommand("sh", ["-euc", script, "sh", ...args])
  if (code !== 0) return yield* new NotPacked({ what, why: errors.trim() || `it ended with code ${code}` })
  return output
})

/** Fetches packages of Debian, and copies their libraries to a folder; nothing is installed. */
const libraries = Effect.fnUntraced(function* (folder: string, names: ReadonlyArray<string>) {
  const files = yield* FileSystem.FileSystem
  const work = yield* files.makeTempDirectoryScoped()
  yield* files.makeDirectory(folder, { recursive: true })
  // The lists of packages may be older than the packages, or missing: they are fetched when the first attempt fails.
  yield* shell(
    names.join(", "),
    `cd "$1"; folder=$2; shift 2
     apt-get -qq download "$@" 2> error || { apt-get -qq update 2> error && apt-get -qq download "$@" 2> error; } ||
       { cat error >&2; exit 1; }
     for deb in *.deb; do dpkg-deb --fsys-tarfile "$deb" | tar -x; done
     find . -name 'lib*.so.*' -exec cp -P {} "$folder" ';'`,
    work,
    folder,
    ...names
  )
}, Effect.scoped)

/** Copies files of a folder, links as links, by their paths in it. */
const copy = (what: string, from: string, to: string, paths: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const files = yield* FileSystem.FileSystem
    const list = yield* files.makeTempFileScoped()
    yield* files.writeFileString(list, paths.map((path) => `${path}\0`).join(""))
    yield* files.makeDirectory(to, { recursive: true })
    yield* shell(what, `tar -c -C "$1" --null --files-from "$3" | tar -x -C "$2"`, from, to, list)
  }).pipe(Effect.scoped)

const compress = (what: string, folder: string, archive: string) =>
  shell(what, `tar -c -C "$1" . | xz -6 -T0 > "$2.part"; mv "$2.part" "$2"`, folder, archive)

const pack = Effect.fn("pack")(function* (out: string) {
  const files = yield* FileSystem.FileSystem
  const stage = yield* files.makeTempDirectoryScoped()
  yield* files.makeDirectory(out, { recursive: true })

  // Node takes minutes to compress, and changes with its version alone.
  const node = `node-${process.versions.node}.tar.xz`
  for (const old of readdirSync(out))
    if (/^node-.*\.tar\.xz$/.test(old) && old !== node) yield* files.remove(join(out, old))
  if (!existsSync(join(out, node))) {
    const program = realpathSync(process.execPath)
    yield* copy("Node", dirname(program), join(stage, "node"), ["node"])
    yield* compress("Node", join(stage, "node"), join(out, node))
  }

  const weft = join(stage, "weft")
  const listed = yield* shell(
    "the sources",
    `cd "$1"; shift; git ls-files --cached --others --exclude-standard --deduplicate -- "$@"`,
    root,
    ...sources
  )
  yield* copy("the sources", root, join(weft, "weft"), listed.trim().split("\n"))
  const installed = packagesOf(root, [...packages, ...Object.keys(manifest.dependencies)])
  yield* copy("the packages", root, join(weft, "weft"), installed)
  const shared = join(root, "../shared")
  yield* copy(
    "the numbers of PyTorch",
    shared,
    join(weft, "shared"),
    beside.filter((name) => existsSync(join(shared, name)))
  )
  yield* libraries(join(weft, "lib"), loader)
  yield* libraries(join(weft, "lib", "screen"), screen)
  yield* compress("Weft", weft, join(out, "weft.tar.xz"))
  yield* files.copyFile(join(root, "bench/device/run.sh"), join(out, "run.sh"))

  const sizes = [node, "weft.tar.xz", "run.sh"].map((name) => ({ name, bytes: statSync(join(out, name)).size }))
  const bytes = sizes.reduce((sum, one) => sum + one.bytes, 0)
  const text = sizes.map((one) => `${one.name} ${(one.bytes / 2 ** 20).toFixed(1)}`).join(", ")
  yield* Console.log(`${out}: ${(bytes / 2 ** 20).toFixed(1)} MiB (${text})`)
  if (bytes > most) return yield* new NotPacked({ what: out, why: `it is larger than ${most / 2 ** 20} MiB` })
}, Effect.scoped)

const command = Command.make(
  "pack",
  {
    out: Flag.String("out").pipe(
      Flag.withDefault(".weft/device"),
      Flag.withMetavar("DIR"),
      Flag.withDescription("The folder that is carried to the machine")
    )
  },
  ({ out }) => pack(resolve(out))
).pipe(
  Command.withDescription(
    "Packs Node, Dawn, a Vulkan loader and Weft for a machine with a graphics card and nothing else"
  )
)

command.pipe(Command.run({ version: "1" }), Effect.provide(NodeServices.layer), NodeRuntime.runMain)
