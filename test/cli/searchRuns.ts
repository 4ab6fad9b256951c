import { execFileSync, spawn } from "node:child_process"
import { existsSync, readFileSync, readdirSync, statSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { catalogueConfig } from "../catalogue.ts"

/** A search over the test catalogue in `data`: three trials, each in a pass of its own, with a checkpoint at each step. */
export const searchToml = (epochs: number): string => {
  const base = catalogueConfig("data")
    .replace("epochs = 2", `epochs = ${epochs}\ncheckpoint = { everySteps = 1 }`)
    .replaceAll(/^\[(\w+)\]$/gm, "[base.$1]")
    .replace('name = "test"\nseed = 3', "")
  return `name = "colours"
together = 1
${base}
[base.engine]
name = "wasm"
[objective]
metric = "trainLoss"
[[axes]]
path = "train.learningRate"
values = [0.002, 0.0005, 0.0001]
`
}

const bin = fileURLToPath(new URL("../../src/bin.ts", import.meta.url))

/** A process of Weft that is watched while it runs. */
export const begin = (args: ReadonlyArray<string>, cwd: string, env: Readonly<Record<string, string>> = {}) => {
  const child = spawn(process.execPath, [bin, ...args], {
    cwd,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"]
  })
  const said = { stdout: "", stderr: "" }
  child.stdout.setEncoding("utf8").on("data", (text: string) => (said.stdout += text))
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said.stderr += text))
  const ended = new Promise<number | null>((resolve) => child.on("close", (code) => resolve(code)))
  return { child, said, ended }
}
export type Begun = ReturnType<typeof begin>

/** Waits until something is so; fails with what was said meanwhile when it takes too long. */
export const until = async (is: () => boolean, what: string, ...processes: ReadonlyArray<Begun>): Promise<void> => {
  const deadline = Date.now() + 250_000
  while (!is()) {
    if (Date.now() > deadline)
      throw new Error(`${what} did not come:\n${processes.map(({ said }) => said.stdout + said.stderr).join("\n")}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** A process and those that it started, trainers among them. */
const family = ({ child }: Begun): ReadonlyArray<number> => {
  if (child.pid === undefined) return []
  const listed = execFileSync("ps", ["-A", "-o", "pid=,ppid="], { encoding: "utf8" })
  const pairs = listed
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number))
  return [child.pid, ...pairs.flatMap(([pid, parent]) => (pid !== undefined && parent === child.pid ? [pid] : []))]
}

const signal = (pid: number, name: NodeJS.Signals) => {
  try {
    process.kill(pid, name)
  } catch {
    // It has ended meanwhile.
  }
}

/** Kills a process and those that it started, as the end of their machine does. */
export const killAll = (begun: Begun): void => {
  for (const pid of family(begun)) signal(pid, "SIGKILL")
}

/** What a list of processes shows of a process and its children; Linux only. */
export const shownOf = (pid: number | undefined): string => {
  const parts = readdirSync("/proc").filter((name) => /^\d+$/.test(name))
  const isOurs = (name: string) => {
    try {
      return Number(name) === pid || readFileSync(`/proc/${name}/status`, "utf8").includes(`PPid:\t${pid}\n`)
    } catch {
      return false // it has ended meanwhile
    }
  }
  return parts
    .filter(isOurs)
    .map((name) => readFileSync(`/proc/${name}/cmdline`, "utf8"))
    .join("\n")
}

/** Processes that stand still: nothing that is seen of their work changes before they are let go or killed. */
export interface Held {
  readonly letGo: () => void
  readonly kill: () => void
}

const hold = (processes: ReadonlyArray<Begun>): Held => {
  const all = new Set<number>()
  // A stopped process starts no other: once no new one is seen, all are stopped.
  for (let before = -1; before < all.size;) {
    before = all.size
    for (const pid of processes.flatMap(family)) {
      all.add(pid)
      signal(pid, "SIGSTOP")
    }
  }
  const send = (name: NodeJS.Signals) => () => all.forEach((pid) => signal(pid, name))
  return { letGo: send("SIGCONT"), kill: send("SIGKILL") }
}

/**
 * Waits until something is so of processes that stand still, however quick or slow the machine is; they stay so, until
 * they are let go or killed.
 */
export const holdWhen = async (is: () => boolean, what: string, ...processes: ReadonlyArray<Begun>): Promise<Held> => {
  for (;;) {
    await until(is, what, ...processes)
    const held = hold(processes)
    if (is()) return held
    held.letGo()
  }
}

/** A search's trials, by what their folders hold: done, or in the middle of the training, with a checkpoint and no report. */
export const trialsIn = (folder: string) => {
  const trials = join(folder, "trials")
  const names = existsSync(trials) ? readdirSync(trials) : []
  const isDone = (id: string) => existsSync(join(trials, id, "trial.json"))
  const hasCheckpoint = (id: string) =>
    !existsSync(join(trials, id, "report.json")) &&
    existsSync(join(trials, id, "checkpoints")) &&
    readdirSync(join(trials, id, "checkpoints")).some((name) => name.startsWith("step-"))
  return { done: names.filter(isDone), underWay: names.filter((id) => !isDone(id) && hasCheckpoint(id)) }
}

const filesUnder = (folder: string): ReadonlyArray<string> =>
  readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map(({ name, parentPath }) => join(parentPath, name))

/** When each file of some trials was written last: none is, once a trial is done, but the best one's page at the end. */
export const timesOf = (folder: string, ids: ReadonlyArray<string>): ReadonlyMap<string, number> =>
  new Map(
    ids.flatMap((id) =>
      filesUnder(join(folder, "trials", id))
        .filter((file) => !/report\.html$|MODEL_CARD\.md$|(?:predictions|mistakes)\.csv$|[\\/]charts[\\/]/.test(file))
        .map((file) => [file, statSync(file).mtimeMs] as const)
    )
  )

/** The files of a folder that contain a text. */
export const filesWith = (folder: string, text: string): ReadonlyArray<string> =>
  filesUnder(folder).filter((file) => readFileSync(file).includes(text))

/** What a search found, without what depends on the time that it took. */
export const findings = (stdout: string): unknown => {
  const { passes: _passes, seconds: _seconds, trials, ...rest } = JSON.parse(stdout)
  return { ...rest, trials: trials.map((trial: object) => ({ ...trial, seconds: undefined })) }
}
