/**
 * Measures Weft on a machine's graphics card, beside PyTorch on the same card, and writes `device.json` anew after each
 * result. `run.sh` starts it; in a clone:
 *   node bench/device/run.ts --out DIR [--rehearse] [--python PROGRAM] [--driver FILE] [--minutes 9]
 */
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Clock, Console, Effect, FileSystem, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { renameSync, writeFileSync } from "node:fs"
import { availableParallelism, cpus, loadavg, release, totalmem } from "node:os"
import { delimiter, dirname, join, resolve } from "node:path"
import { fileURLToPath } from "node:url"
import { runCommand } from "../../src/layers/backend/command.ts"
import { manifest } from "../../src/layers/machine/manifest.ts"
import { comparisonsOf } from "./comparisons.ts"
import type { DeviceReport, StepRecord } from "./DeviceReport.ts"
import { runSteps } from "./runSteps.ts"
import { rehearsal, stepsOf, whole } from "./Step.ts"
import { carriedLibraries, findDrivers, openDriver } from "./vulkan.ts"

const weft = fileURLToPath(new URL("../..", import.meta.url))

const flags = {
  out: Flag.String("out").pipe(
    Flag.withDefault("."),
    Flag.withMetavar("DIR"),
    Flag.withDescription("Where `device.json` is written")
  ),
  rehearse: Flag.Boolean("rehearse").pipe(
    Flag.withDefault(false),
    Flag.withDescription("All steps with small sizes, on an adapter in software and PyTorch on the processor")
  ),
  python: Flag.String("python").pipe(
    Flag.withDefault("python3"),
    Flag.withMetavar("PROGRAM"),
    Flag.withDescription("A Python that has torch, torchvision and Pillow")
  ),
  driver: Flag.String("driver").pipe(
    Flag.optional,
    Flag.withMetavar("FILE"),
    Flag.withDescription("The Vulkan driver's description (ICD, JSON), tried before those that are found")
  ),
  minutes: Flag.Finite("minutes").pipe(
    Flag.optional,
    Flag.withDescription(
      "Time for everything, 9 (60 in a rehearsal) where left out; what is not begun by then is left out"
    )
  )
}

const cardsOf = Effect.map(
  runCommand("nvidia-smi", ["--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"]),
  ({ code, errors, output }) => (code === 0 ? output.trim() : `nvidia-smi: ${errors.trim() || output.trim()}`)
)

const measure = Command.make(
  "device",
  flags,
  Effect.fnUntraced(function* ({ driver, minutes, out, python, rehearse }) {
    const files = yield* FileSystem.FileSystem
    const begun = yield* Clock.currentTimeMillis
    const folder = resolve(out)
    yield* files.makeDirectory(folder, { recursive: true })
    const scratch = yield* files.makeTempDirectoryScoped()
    const size = rehearse ? rehearsal : whole(availableParallelism())

    const machine = {
      processor: cpus()[0]?.model.trim() ?? "unknown processor",
      processors: availableParallelism(),
      memoryGiB: Math.round(totalmem() / 2 ** 30),
      kernel: release(),
      load: loadavg()[0] ?? 0,
      cards: yield* cardsOf
    }
    const asked = Option.map(driver, (file) => resolve(file))
    const { candidates, lookedAt } = findDrivers(carriedLibraries(weft), scratch, Option.getOrUndefined(asked))
    const { attempts, env } = yield* openDriver(candidates, size.device, weft)

    // The report has no folders of this machine: its commands are as in a clone.
    const here = weft.replace(/\/$/, "")
    const hide = (text: string) =>
      [
        [here, "weft"],
        [dirname(here), "pack"],
        [scratch, "scratch"]
      ]
        .reduce((text, [path = "", name = ""]) => text.replaceAll(path, name), text)
        .replaceAll(/(?<![\w./])\/(?!(?:usr|etc|proc|dev)\/)[^\s"'\\:,]*\//g, "…/")
    const elapsed = Effect.map(Clock.currentTimeMillis, (now) => Math.round((now - begun) / 1000))
    const write = (steps: ReadonlyArray<StepRecord>, seconds: number, complete: boolean) => {
      const report: DeviceReport = {
        format: 1,
        rehearsal: rehearse,
        size,
        weft: manifest.version,
        node: process.versions.node,
        machine,
        vulkan: { lookedAt, attempts, available: env !== undefined },
        steps,
        comparisons: comparisonsOf(steps),
        seconds,
        complete
      }
      const path = join(folder, "device.json")
      writeFileSync(
        `${path}.part`,
        `${JSON.stringify(report, (_, value) => (typeof value === "string" ? hide(value) : value), 1)}\n`
      )
      renameSync(`${path}.part`, path)
    }
    write([], yield* elapsed, false)
    const clock = performance.now() - 1000 * (yield* elapsed)
    const steps = yield* runSteps(stepsOf(size), {
      cwd: weft,
      env: {
        ...process.env,
        ...env,
        PATH: [dirname(process.execPath), process.env["PATH"] ?? ""].join(delimiter)
      },
      programs: { node: process.execPath, python },
      seconds: 60 * Option.getOrElse(minutes, () => (rehearse ? 60 : 9)) - (yield* elapsed),
      adapter: env !== undefined,
      onProgress: (steps) => {
        const last = steps.at(-1)
        if (last !== undefined && last.outcome !== "running")
          process.stderr.write(
            `${last.name}: ${last.outcome}${last.seconds === undefined ? "" : `, ${last.seconds} s`}\n`
          )
        write(steps, Math.round((performance.now() - clock) / 1000), false)
      }
    })
    write(steps, yield* elapsed, true)
    for (const one of comparisonsOf(steps)) yield* Console.log(JSON.stringify(one))
    yield* Console.log(
      `${join(out, "device.json")}: ${steps.filter(({ outcome }) => outcome === "done").length} of ${steps.length} steps done`
    )
  }, Effect.scoped)
).pipe(Command.withDescription("Measures Weft and PyTorch on this machine's graphics card"))

measure.pipe(Command.run({ version: "1" }), Effect.provide(NodeServices.layer), NodeRuntime.runMain)
