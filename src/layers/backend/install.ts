import { Effect, Schema } from "effect"
import { randomUUID } from "node:crypto"
import { copyFile, link, mkdir, readdir, readlink, realpath, rename, rm, stat, symlink } from "node:fs/promises"
import { existsSync } from "node:fs"
import { basename, dirname, join, relative, resolve } from "node:path"
import { fileURLToPath } from "node:url"
import { report } from "../../pipeline/Progress.ts"
import { atomicWrite } from "../storage/atomicWrite.ts"
import { isAlive } from "../storage/isAlive.ts"
import type { InstalledBackend } from "./BackendFolder.ts"
import { names, readInstalled } from "./BackendFolder.ts"
import { amxName } from "../features/amx/amxName.ts"
import { kernelsName } from "../engines/tensorflow/kernelsName.ts"
import { bringing, isInstalled } from "../machine/optionalPackages.ts"
import { backendError, BackendError } from "./BackendError.ts"
import { runCommand } from "./command.ts"
import { compileAddon, findCompiler } from "./compile.ts"
import { fetchFile } from "./fetchFile.ts"
import { isKept } from "./kept.ts"
import type { Libraries } from "./libraries.ts"
import { findLibraries, usesCuda } from "./libraries.ts"
import { nvidiaRequirements, pipDownload } from "./pip.ts"
import { unpackArchive, unpackWheel } from "./unpack.ts"
import { weftCommand } from "../../config/weftCommand.ts"

export interface InstallOptions {
  /** The folder that it goes into; see `backendFolder`. */
  readonly root: string
  /** Undefined: whichever is there, else for the processor. */
  readonly variant: "cpu" | "gpu" | undefined
  /** `pip`, `archive`, an address, a file (.whl, .tar.gz) or a folder; undefined: pip, then the archive. */
  readonly from: string | undefined
  /** TensorFlow's version for pip and for the archive; each has its own where left out. */
  readonly version: string | undefined
  /** The hash of what is fetched from an address. */
  readonly sha256: string | undefined
  /** Where TensorFlow's archives lie. */
  readonly archives: string
  /** Installs though the same is there. */
  readonly force: boolean
}

/** Checked versions: of the wheels, and of the last official archive of the C library. */
const versions = { wheel: "2.21.0", archive: "2.18.0" }

/** Google's storage, where TensorFlow's C library is published. */
export const officialArchives = "https://storage.googleapis.com/tensorflow/versions"

type Unpacked = Effect.Effect<void, BackendError>

const exists = (path: string) =>
  Effect.promise(() =>
    stat(path).then(
      (found) => found,
      () => undefined
    )
  )

const attempt = <A>(what: string, run: () => Promise<A>) =>
  Effect.tryPromise({ try: run, catch: (cause) => backendError(what, cause) })

/** Unpacks what was fetched; where it is damaged it is thrown away, or the next try would find it again. */
const unpackFetched = (path: string, folder: string) =>
  fromFile(path, folder).pipe(
    Effect.tapError(({ reason }) =>
      reason === "damaged" ? Effect.ignore(attempt(path, () => rm(path, { force: true }))) : Effect.void
    )
  )

const fromPip = Effect.fnUntraced(function* (options: InstallOptions, downloads: string, folder: string) {
  const { variant, version } = options
  const name = variant === "gpu" ? "tensorflow" : "tensorflow-cpu"
  const wheel = yield* pipDownload(`${name}==${version ?? versions.wheel}`, downloads)
  const metadata = yield* unpackFetched(wheel, folder)
  if (variant !== "gpu") return
  for (const requirement of nvidiaRequirements(metadata))
    yield* unpackFetched(yield* pipDownload(requirement, downloads), folder)
})

const fromAddress = Effect.fnUntraced(function* (
  url: string,
  options: InstallOptions,
  downloads: string,
  folder: string
) {
  const path = join(downloads, decodeURIComponent(basename(new URL(url).pathname)))
  yield* fetchFile(url, path, options.sha256)
  yield* unpackFetched(path, folder)
})

/** Unpacks a wheel or an archive; the wheel's METADATA. */
const fromFile = (path: string, folder: string): Effect.Effect<string, BackendError> =>
  path.endsWith(".whl") ? unpackWheel(path, folder) : Effect.as(unpackArchive(path, folder), "")

const archiveAddress = ({ archives, variant, version }: InstallOptions): string =>
  `${archives}/${version ?? versions.archive}/libtensorflow-${variant ?? "cpu"}-linux-${process.arch === "arm64" ? "aarch64" : "x86_64"}.tar.gz`

/** The libraries and headers of a folder: linked where that can be, so that they outlive the folder and take no room. */
const fromFolder = (source: string, folder: string): Unpacked =>
  attempt(`copying from ${source}`, async () => {
    // An installed package's NVIDIA wheels lie beside it, and its libraries look for them there.
    const isPackage = basename(source) === "tensorflow"
    const base = isPackage ? dirname(source) : source
    const roots = isPackage ? ["tensorflow", "nvidia"] : ["."]
    for (const root of roots) {
      const entries = await readdir(join(base, root), { recursive: true, withFileTypes: true }).catch(() => [])
      for (const entry of entries) {
        const from = join(entry.parentPath, entry.name)
        const path = relative(base, from)
        if (entry.isDirectory() || !isKept(path)) continue
        const to = join(folder, path)
        await mkdir(dirname(to), { recursive: true })
        if (entry.isSymbolicLink() && !(await readlink(from)).includes("/")) await symlink(await readlink(from), to)
        else {
          const file = await realpath(from)
          await link(file, to).catch(() => copyFile(file, to))
        }
      }
    }
  })

/** Puts libraries and headers from the source that is asked for into `folder`, or from the first that answers. */
const unpack = Effect.fnUntraced(function* (options: InstallOptions, folder: string) {
  const downloads = join(options.root, names.downloads)
  const { from } = options
  if (from === undefined) {
    const failed = yield* Effect.flip(fromPip(options, downloads, folder)).pipe(Effect.option)
    if (failed._tag === "None") return "pip"
    // What is wrong here would be so with any source.
    if (!["notFound", "unreachable"].includes(failed.value.reason)) return yield* failed.value
    yield* report({ _tag: "Note", line: `${failed.value.detail}; trying TensorFlow's archive` })
    yield* fromAddress(archiveAddress(options), options, downloads, folder).pipe(
      Effect.mapError(
        ({ cure, detail, reason }) => new BackendError({ reason, detail: `${failed.value.detail}; ${detail}`, cure })
      )
    )
    return "archive"
  }
  if (from === "pip") yield* fromPip(options, downloads, folder)
  else if (from === "archive") yield* fromAddress(archiveAddress(options), options, downloads, folder)
  else if (/^https?:/.test(from)) yield* fromAddress(from, options, downloads, folder)
  else {
    const path = resolve(from)
    const found = yield* exists(path)
    if (found === undefined)
      return yield* new BackendError({
        reason: "usage",
        detail: `there is no ${from}`,
        cure: "--from takes pip, archive, an address, a file (.whl, .tar.gz) or a folder."
      })
    yield* found.isDirectory() ? fromFolder(path, folder) : fromFile(path, folder)
    return path
  }
  return from
})

const Tested = Schema.fromJsonString(Schema.Struct({ version: Schema.String, sum: Schema.Literal(4) }))

/** Loads the addon in a process of its own and adds two numbers with it. */
const test = Effect.fnUntraced(function* (folder: string) {
  const script = fileURLToPath(new URL("./selfTest.ts", import.meta.url))
  const ran = yield* runCommand(
    process.execPath,
    [script, join(folder, names.quiet), join(folder, names.addon), join(folder, kernelsName())],
    {
      env: { TF_CPP_MIN_LOG_LEVEL: process.env["TF_CPP_MIN_LOG_LEVEL"] ?? "2" }
    }
  )
  return yield* Schema.decodeEffect(Tested)(ran.output.trim().split("\n").at(-1) ?? "").pipe(
    Effect.mapError(
      () =>
        new BackendError({
          reason: "failed",
          detail: `TensorFlow's libraries do not run here: ${ran.errors.trim().split("\n").slice(0, 4).join(" ") || `the test ended with code ${ran.code}`}`,
          cure: "Try another version of TensorFlow, or libraries that were built for this machine (--from DIR)."
        })
    )
  )
})

/** Makes `folder` the current backend: one renaming, so that there is always the old one or the new one. */
const makeCurrent = (root: string, folder: string): Unpacked =>
  attempt("exchanging the backend", async () => {
    const before = await readlink(join(root, names.current)).catch(() => undefined)
    const temporary = join(root, `.${names.current}.${process.pid}`)
    await rm(temporary, { force: true })
    await symlink(basename(folder), temporary)
    await rename(temporary, join(root, names.current))
    if (before !== undefined && before !== basename(folder))
      await rm(join(root, before), { recursive: true, force: true })
    await rm(join(root, names.downloads), { recursive: true, force: true })
  })

/** Folders of installations that were cut off; one that is under way is of a process that lives, and stays. */
const sweep = (root: string): Unpacked =>
  attempt("removing what an earlier try left", async () => {
    for (const name of await readdir(root)) {
      const pid = /^\.new-(\d+)-/.exec(name)?.[1]
      if (pid === undefined || isAlive(Number(pid))) continue
      await rm(join(root, name), { recursive: true, force: true })
    }
  })

const describe = Effect.fnUntraced(function* (folder: string, libraries: Libraries, source: string) {
  const { version } = yield* test(folder)
  const isGpu = yield* attempt("looking into the libraries", () => usesCuda(libraries))
  const backend: InstalledBackend = { version, variant: isGpu ? "gpu" : "cpu", source }
  yield* Effect.mapError(
    atomicWrite(join(folder, names.description), `${JSON.stringify(backend, null, 2)}\n`),
    (error) => backendError(error.path, new Error(error.detail))
  )
  return backend
})

/**
 * Installs the backend, or does nothing where the same is there, compiled from the same sources. What is fetched stays
 * until it is installed; what bears the name `current` is whole and has run.
 */
export const installBackend = Effect.fn("installBackend")(function* (options: InstallOptions) {
  const { root, variant } = options
  if (process.platform !== "linux" || !["x64", "arm64"].includes(process.arch))
    return yield* new BackendError({
      reason: "platform",
      detail: `TensorFlow's libraries are installed on Linux (x64, arm64) alone, and this is ${process.platform} ${process.arch}`,
      cure: `The other engines run here: ${weftCommand("doctor")} says which.`
    })
  const found = readInstalled(root)
  const installed = found?.backend
  const from =
    options.from === undefined || /^(pip|archive|https?:.*)$/.test(options.from) ? options.from : resolve(options.from)
  const same =
    installed !== undefined &&
    (from === undefined || installed.source === from) &&
    (variant === undefined || installed.variant === variant) &&
    (options.version === undefined || installed.version === options.version)
  // Libraries that are there already need not be fetched again for new sources of the addons.
  const again = same && !options.force ? found?.folder : undefined
  if (same && again !== undefined && [kernelsName(), amxName()].every((name) => existsSync(join(again, name))))
    return { backend: installed, changed: false }
  if (!isInstalled("@tensorflow/tfjs-node-gpu"))
    return yield* new BackendError({
      reason: "noPackage",
      detail: "the package with the sources of its addon is not installed",
      cure: `Install it and run the command again: ${bringing(["@tensorflow/tfjs-node-gpu"])}`
    })
  yield* findCompiler // before anything is fetched
  yield* attempt(root, () => mkdir(root, { recursive: true }))
  yield* sweep(root)
  const staging = join(root, `.new-${process.pid}-${randomUUID().slice(0, 8)}`)
  return yield* Effect.gen(function* () {
    yield* attempt(staging, () => mkdir(staging))
    const source =
      same && again !== undefined
        ? yield* Effect.as(fromFolder(again, staging), installed.source)
        : yield* unpack(options, staging)
    const libraries = yield* attempt("looking for the libraries", () => findLibraries(staging))
    yield* report({ _tag: "Note", line: "compiling the addons" })
    yield* compileAddon(libraries, staging)
    const backend = yield* describe(staging, libraries, source)
    const folder = join(root, `tensorflow-${backend.version}-${backend.variant}-${randomUUID().slice(0, 8)}`)
    yield* attempt(folder, () => rename(staging, folder))
    yield* makeCurrent(root, folder)
    return { backend, changed: true }
  }).pipe(Effect.onExit(() => Effect.ignore(Effect.tryPromise(() => rm(staging, { recursive: true, force: true })))))
})
