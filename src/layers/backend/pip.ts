import { Effect } from "effect"
import { mkdir, mkdtemp, readdir, rm, stat } from "node:fs/promises"
import { join } from "node:path"
import { backendError, BackendError } from "./BackendError.ts"
import type { Ran } from "./command.ts"
import { runCommand } from "./command.ts"
import { withProgress } from "../hub/download/Transfer.ts"

/** Pythons that TensorFlow's wheels are made for: their libraries are the same. Any of them does; none is run. */
const pythons = ["3.13", "3.12", "3.11", "3.10"]

/** How pip is called, the first that there is. */
const pips: ReadonlyArray<readonly [string, ...ReadonlyArray<string>]> = [
  ["python3", "-m", "pip"],
  ["pip3"],
  ["pip"],
  ["python", "-m", "pip"]
]

/** Wheels alone, without what they need in Python; an index that does not answer is soon given up. */
const options =
  "--no-deps --only-binary=:all: --implementation cp --retries 1 --timeout 5 --progress-bar off --disable-pip-version-check --no-input".split(
    " "
  )

const findPip = Effect.gen(function* () {
  for (const [program, ...args] of pips) {
    const { code, output } = yield* runCommand(program, [...args, "--version"])
    if (code === 0) return { program, args, python: /python (3\.\d+)/.exec(output)?.[1] }
  }
  return yield* new BackendError({
    reason: "notFound",
    detail: "there is no pip here to fetch TensorFlow's wheel with",
    cure: "Install Python's pip, or name another source: --from archive, --from FILE or --from DIR."
  })
})

/** All bytes in a folder's files, however deep. */
const bytesIn = async (folder: string): Promise<number> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
  const sizes = await Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map((entry) =>
        stat(join(entry.parentPath, entry.name)).then(
          ({ size }) => size,
          () => 0
        )
      )
  )
  return sizes.reduce((sum, size) => sum + size, 0)
}

const units: Readonly<Record<string, number>> = { kB: 1e3, MB: 1e6, GB: 1e9 }

/** The size that pip says of what it fetches: `(260.4 MB)`. */
const sizeSaid = (output: string): number | undefined => {
  const said = [...output.matchAll(/\(([\d.]+) (kB|MB|GB)\)/g)].at(-1)
  return said === undefined ? undefined : Number(said[1]) * units[said[2]!]!
}

/** Why pip failed. It says that there is no such wheel, too, where its index did not answer. */
const reasonOf = ({ errors, output }: Ran): string => {
  const lines = `${output}\n${errors}`.split("\n").filter((line) => /^ERROR|Error/.test(line))
  const last = lines.at(-1) ?? "it gave no reason"
  const unreached = lines.some((line) => /NewConnectionError|TimeoutError|SSLError|ProxyError/.test(line))
  return `${last}${unreached ? " (an index could not be reached)" : ""}`
}

/**
 * Fetches one wheel by pip (which checks it against the index's hash) and gives its path. A wheel that is there already
 * is not fetched again.
 */
export const pipDownload = Effect.fn("pipDownload")(function* (requirement: string, downloads: string) {
  const { args, program, python } = yield* findPip
  const fail = (cause: unknown) => backendError(requirement, cause)
  yield* Effect.tryPromise({ try: () => mkdir(downloads, { recursive: true }), catch: fail })
  // The index of a machine has what its own Python needs, if it has only one.
  const versions = [...new Set([...(python !== undefined && pythons.includes(python) ? [python] : []), ...pythons])]
  const name = requirement.replace(/[<>=].*/, "")
  let last: Ran | undefined
  for (const version of versions) {
    const ran = yield* Effect.acquireUseRelease(
      Effect.tryPromise({ try: () => mkdtemp(join(downloads, "pip-")), catch: fail }),
      (temporary) =>
        withProgress(name, (onBytes) =>
          Effect.gen(function* () {
            let said = ""
            const watch = Effect.tryPromise(async () => onBytes(await bytesIn(temporary), sizeSaid(said)))
            yield* Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep("500 millis"), Effect.ignore(watch))))
            return yield* runCommand(
              program,
              [...args, "download", ...options, "--python-version", version, "--dest", downloads, requirement],
              { env: { TMPDIR: temporary }, onOutput: (text) => (said += text) }
            )
          }).pipe(Effect.scoped)
        ),
      (temporary) => Effect.ignore(Effect.tryPromise(() => rm(temporary, { recursive: true, force: true })))
    )
    last = ran
    if (ran.code === 0) return yield* wheelOf(name, downloads, ran)
    if (/No space left on device|Errno 28/.test(ran.errors))
      return yield* fail(Object.assign(new Error("no space left"), { code: "ENOSPC" }))
    if (/DO NOT MATCH THE HASHES|hash mismatch/i.test(ran.errors))
      return yield* new BackendError({
        reason: "damaged",
        detail: `${name}: the wheel's hash is not the one that the index publishes`,
        cure: "Run the command again; if it stays so, ask who keeps the index."
      })
    // No wheel for this Python: perhaps for another.
    if (!/No matching distribution|Could not find a version/.test(ran.errors)) break
  }
  return yield* new BackendError({
    reason: "unreachable",
    detail: `pip does not get ${requirement}: ${last === undefined ? "" : reasonOf(last)}`,
    cure: "Check that pip reaches its index, or name another source: --from archive, --from FILE or --from DIR."
  })
})

/** Names of projects are compared without case, and `-`, `_` and `.` are one. Source: PEP 503. */
const plain = (name: string): string => name.toLowerCase().replace(/[-_.]+/g, "-")

const wheelOf = Effect.fnUntraced(function* (name: string, downloads: string, { output }: Ran) {
  const files = yield* Effect.tryPromise({
    try: () => readdir(downloads),
    catch: (cause) => backendError(downloads, cause)
  })
  const wheels = files.filter((file) => file.endsWith(".whl") && plain(file.split("-")[0]!) === plain(name))
  // pip says what it saved, or that it was there; of several, it is that one.
  const file = wheels.find((wheel) => output.includes(wheel)) ?? wheels.at(-1)
  if (file !== undefined) return join(downloads, file)
  return yield* new BackendError({
    reason: "failed",
    detail: `pip said that it fetched ${name}, and there is no such file`,
    cure: "Run the command again."
  })
})

/** The wheels with NVIDIA's libraries that a wheel of TensorFlow asks for in its METADATA, as pip takes them. */
export const nvidiaRequirements = (metadata: string): ReadonlyArray<string> =>
  [...metadata.matchAll(/^Requires-Dist: (nvidia-[^;\s]+)\s*;.*extra == ["']and-cuda["']/gm)].map((found) => found[1]!)
