/**
 * How long Weft takes to start, from its sources and as it is built (`pnpm build` first):
 *   node bench/start.ts [rounds]
 *
 * Processor time of `--help` and of `train --help` (user and system, as bash counts them), and the time from the start
 * of a training to its first line. Each is a median; what Node compiled once lies in its cache (`enableCompileCache`),
 * as it does for whoever starts Weft a second time; the last row is without it.
 */
import { spawn, spawnSync } from "node:child_process"
import { existsSync, mkdtempSync, rmSync } from "node:fs"
import { availableParallelism, cpus, loadavg, tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const rounds = Number(process.argv[2] ?? 10)
const folder = mkdtempSync(join(tmpdir(), "weft-start-"))

const median = (values: ReadonlyArray<number>) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN

/** Seconds of processor time of a command that ends by itself. */
const processorTime = (bin: string, args: ReadonlyArray<string>, env: NodeJS.ProcessEnv = {}) => {
  const line = 'TIMEFORMAT="%U %S"; time "$@" > /dev/null'
  const { stderr } = spawnSync("bash", ["-c", line, "bash", process.execPath, bin, ...args], {
    cwd: folder,
    encoding: "utf8",
    env: { ...process.env, ...env, LC_ALL: "C" }
  })
  return stderr
    .trim()
    .split(" ")
    .map(Number)
    .reduce((sum, one) => sum + one, 0)
}

/** Seconds until a training says something; it is then stopped. */
const firstLine = (bin: string) =>
  new Promise<number>((resolve) => {
    const begin = performance.now()
    let seconds = NaN
    const child = spawn(process.execPath, [bin, "train", "--set", "data.sample.images=200"], { cwd: folder })
    const heard = () => {
      if (Number.isNaN(seconds)) seconds = (performance.now() - begin) / 1000
      child.kill("SIGINT")
    }
    child.stdout.on("data", heard)
    child.stderr.on("data", heard)
    child.on("close", () => resolve(seconds))
  })

console.log(
  `${cpus()[0]?.model.trim() ?? "unknown processor"}, ${availableParallelism()} processors, load ${(loadavg()[0] ?? 0).toFixed(1)}; Node ${process.versions.node}; median of ${rounds}\n`
)
console.log(
  "| from | `--help`, processor s | `train --help`, processor s | first line of `train`, s | `--help` without a cache, processor s |"
)
console.log("| --- | --- | --- | --- | --- |")
for (const from of ["src/bin.ts", "dist/bin.js"]) {
  const bin = fileURLToPath(new URL(`../${from}`, import.meta.url))
  if (!existsSync(bin)) {
    console.log(`| ${from} | not built | | | |`)
    continue
  }
  const times: Array<ReadonlyArray<number>> = []
  for (let round = -1; round < rounds; round++) {
    const row = [
      processorTime(bin, ["--help"]),
      processorTime(bin, ["train", "--help"]),
      await firstLine(bin),
      processorTime(bin, ["--help"], { NODE_DISABLE_COMPILE_CACHE: "1" })
    ]
    if (round >= 0) times.push(row) // the first fills the cache
  }
  const cells = [0, 1, 2, 3].map((column) => median(times.map((row) => row[column] ?? NaN)).toFixed(2))
  console.log(`| ${[from, ...cells].join(" | ")} |`)
}
rmSync(folder, { recursive: true, force: true })
