import { Effect } from "effect"
import { existsSync, readdirSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { runLines } from "./runLines.ts"

/** Where an installed driver says how it is loaded. */
const driverFolders = [
  "/usr/share/vulkan/icd.d",
  "/etc/vulkan/icd.d",
  "/usr/local/share/vulkan/icd.d",
  "/usr/local/nvidia/share/vulkan/icd.d"
]

/** Where containers and distributions have a driver's libraries. */
const libraryFolders = [
  "/usr/lib/x86_64-linux-gnu",
  "/usr/lib64",
  "/usr/local/nvidia/lib64",
  "/usr/local/nvidia/lib",
  "/usr/lib/wsl/lib"
]

/** NVIDIA's libraries that are Vulkan drivers: on machines with a screen, and without one. */
const libraries = ["libGLX_nvidia.so.0", "libEGL_nvidia.so.0"]

/** A way to a driver, as it is tried. */
export interface Candidate {
  /** Where it came from, for people. */
  readonly from: string
  /** What the Vulkan loader and Dawn are given. */
  readonly env: Readonly<Record<string, string>>
}

/** What was looked at, and what there is to try. */
export interface Found {
  readonly lookedAt: ReadonlyArray<{ readonly path: string; readonly found: ReadonlyArray<string> | false }>
  readonly candidates: ReadonlyArray<Candidate>
}

const look = (folder: string, wanted: (name: string) => boolean) => ({
  path: folder,
  found: existsSync(folder) ? readdirSync(folder).filter(wanted).sort() : (false as const)
})

const isDriver = (name: string) => /^nvidia.*\.json$/.test(name)

/**
 * The ways to a Vulkan driver, the likely ones first: the one that is asked for, NVIDIA's own description, one that is
 * written here for NVIDIA's libraries, and what the loader finds by itself. Each is tried with the machine's libraries
 * before those that are carried (`lib/screen`).
 */
export const findDrivers = (
  carried: string,
  scratch: string,
  asked: string | undefined,
  folders = { drivers: driverFolders, libraries: libraryFolders }
): Found => {
  const drivers = folders.drivers.map((folder) => look(folder, isDriver))
  const inFolders = folders.libraries.map((folder) => look(folder, (name) => libraries.includes(name)))
  const described = drivers.flatMap(({ found, path }) => (found || []).map((name) => join(path, name)))
  const written = inFolders.flatMap(({ found, path }) =>
    (found || []).map((name) => {
      const file = join(scratch, `${name}.json`)
      const ICD = { library_path: join(path, name), api_version: "1.3.0" }
      writeFileSync(file, JSON.stringify({ file_format_version: "1.0.0", ICD }))
      return { file, name: join(path, name) }
    })
  )
  const libraryPath = (...more: ReadonlyArray<string>) =>
    [carried, ...inFolders.flatMap(({ found, path }) => (found && found.length > 0 ? [path] : [])), ...more].join(":")
  const ways: ReadonlyArray<{ readonly from: string; readonly file?: string }> = [
    ...(asked === undefined ? [] : [{ from: "the flag --driver", file: asked }]),
    ...described.map((file) => ({ from: file, file })),
    ...written.map(({ file, name }) => ({ from: `written for ${name}`, file })),
    { from: "what the loader finds" }
  ]
  const candidates = [[], [join(carried, "screen")]].flatMap((more) =>
    ways.map(({ file, from }) => ({
      from: more.length === 0 ? from : `${from}, with the libraries that are carried`,
      env: {
        LD_LIBRARY_PATH: libraryPath(...more),
        // The second is what loaders before 1.3.207 read.
        ...(file !== undefined && { VK_DRIVER_FILES: file, VK_ICD_FILENAMES: file })
      }
    }))
  )
  return { lookedAt: [...drivers, ...inFolders], candidates }
}

/** What came of a candidate: an adapter, or why there is none. */
export interface Attempt {
  readonly from: string
  readonly adapter?: unknown
  readonly why?: string
}

/** Tries the candidates until one has an adapter of the kind; `env` is what a program then needs to find it. */
export const openDriver = Effect.fn("openDriver")(function* (
  candidates: ReadonlyArray<Candidate>,
  kind: "gpu" | "cpu",
  cwd: string
) {
  const attempts: Array<Attempt> = []
  for (const { env, from } of candidates) {
    let adapter: Readonly<Record<string, unknown>> | undefined
    const { why } = yield* runLines(process.execPath, ["src/layers/engines/webgpu/probe.ts", kind], {
      cwd,
      limitSeconds: 30,
      env: { ...process.env, ...env, VK_LOADER_DEBUG: "error,warn" },
      onLine: (line) => (adapter = line)
    })
    const isOurs = adapter !== undefined && (kind === "cpu" || adapter["software"] === false)
    attempts.push({
      from,
      ...(adapter !== undefined && { adapter }),
      ...(!isOurs && { why: why ?? (adapter === undefined ? "Dawn found no adapter" : "it is no graphics card") })
    })
    if (isOurs) return { attempts, env }
  }
  return { attempts, env: undefined }
})

/** The folder of the carried loader, beside Weft's. */
export const carriedLibraries = (weft: string) => join(dirname(weft), "lib")
