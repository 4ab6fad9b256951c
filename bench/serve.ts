/**
 * Latency, throughput and memory of `weft serve`, beside FastAPI with onnxruntime:
 *   node bench/serve.ts RUN [--python PYTHON --export FOLDER] [--rounds 3] [--images 4000] [--many 0]
 *
 * RUN is a finished run (MobileNetV2 at 192x144 for the table); FOLDER its export (`weft export --format onnx`), for the
 * peer's script `bench/peers/serve_fastapi.py`. Both answer the same bytes, from the same load generator, in turn. A round:
 * 200 small JPEGs one at a time, 60 of 1200x1600 one at a time, and `--images` small ones by 64 clients at once. `--many`:
 * so many further requests by 64 clients, with the memory of the server's own process after each tenth (`--rounds 0
 * --many 100000`: this alone). Processor time is the server's process alone, per image of the 64 clients.
 */
import { spawn } from "node:child_process"
import type { ChildProcess } from "node:child_process"
import { readFileSync } from "node:fs"
import { Agent, request } from "node:http"
import { cpus, loadavg, tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import sharp from "sharp"

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    python: { type: "string" },
    export: { type: "string" },
    rounds: { type: "string", default: "3" },
    images: { type: "string", default: "4000" },
    many: { type: "string", default: "0" }
  }
})
const [run] = positionals
if (run === undefined) throw new Error("expected a run's folder")

interface Served {
  readonly label: string
  readonly start: () => ChildProcess
  readonly path: string
  readonly port: number
  /** A path that answers 200 when the first image can be answered. */
  readonly ready: string
}

const bin = fileURLToPath(new URL("../src/bin.ts", import.meta.url))
const peer = fileURLToPath(new URL("peers/serve_fastapi.py", import.meta.url))
const desk = join(tmpdir(), `weft-bench-desk-${process.pid}`)

const ours: Served = {
  label: "weft serve",
  port: 18_080,
  path: "/v1/predict?top=5",
  ready: "/ready",
  start: () =>
    spawn(process.execPath, [bin, "serve", "--run", run, "--desk", desk, "--port", "18080"], {
      stdio: ["ignore", "ignore", "inherit"]
    })
}
const theirs: Served | undefined =
  values.python === undefined || values.export === undefined
    ? undefined
    : {
        label: "FastAPI, onnxruntime",
        port: 18_081,
        path: "/predict",
        ready: "/openapi.json",
        start: () =>
          spawn(values.python ?? "", [peer, values.export ?? "", "18081"], { stdio: ["ignore", "ignore", "inherit"] })
      }

const ask = (agent: Agent, { path, port }: Served, body: Uint8Array) =>
  new Promise<number>((resolve, reject) => {
    const begin = performance.now()
    const one = request(
      {
        agent,
        port,
        path,
        host: "127.0.0.1",
        method: "POST",
        headers: { "content-type": "image/jpeg", "content-length": body.length }
      },
      (response) => {
        response.resume()
        response.on("end", () =>
          response.statusCode === 200
            ? resolve(performance.now() - begin)
            : reject(new Error(`${path} answers ${response.statusCode}`))
        )
      }
    )
    one.on("error", reject)
    one.end(body)
  })

const isReady = ({ port, ready }: Served) =>
  fetch(`http://127.0.0.1:${port}${ready}`).then(
    ({ status }) => status === 200,
    () => false
  )

const quantile = (times: ReadonlyArray<number>, q: number) =>
  times.toSorted((a, b) => a - b)[Math.min(times.length - 1, Math.floor(times.length * q))] ?? NaN
const median = (numbers: ReadonlyArray<number>) => quantile(numbers, 0.5)

const oneByOne = async (served: Served, bodies: ReadonlyArray<Uint8Array>, count: number) => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const times: Array<number> = []
  for (let i = 0; i < count; i++) times.push(await ask(agent, served, bodies[i % bodies.length] ?? new Uint8Array()))
  agent.destroy()
  return { p50: quantile(times, 0.5), p95: quantile(times, 0.95) }
}

const atOnce = async (served: Served, bodies: ReadonlyArray<Uint8Array>, count: number, clients = 64) => {
  const agent = new Agent({ keepAlive: true, maxSockets: clients })
  const times: Array<number> = []
  let next = 0
  let errors = 0
  const begin = performance.now()
  await Promise.all(
    Array.from({ length: clients }, async () => {
      while (next < count) {
        const body = bodies[next++ % bodies.length] ?? new Uint8Array()
        await ask(agent, served, body).then(
          (time) => times.push(time),
          () => errors++
        )
      }
    })
  )
  const perSecond = (count - errors) / ((performance.now() - begin) / 1000)
  agent.destroy()
  return { perSecond, p50: quantile(times, 0.5), p95: quantile(times, 0.95), errors }
}

/** MiB of memory that a process has now. */
const memoryOf = (child: ChildProcess) =>
  Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))?.[1]) / 1024

/** Milliseconds of processor time that a process has taken, in its own code and the system's; Linux counts hundredths. */
const processorOf = (child: ChildProcess) => {
  const [user = 0, system = 0] = (readFileSync(`/proc/${child.pid}/stat`, "utf8").split(") ")[1] ?? "")
    .split(" ")
    .slice(11, 13)
    .map(Number)
  return (user + system) * 10
}

/** Photos as they come: colours that change over the picture, and the camera's noise. */
const photo = async (width: number, height: number, n: number) => {
  const waves = Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><defs><radialGradient id="g" cx="${20 + (n % 60)}%" cy="40%"><stop offset="0" stop-color="hsl(${(n * 37) % 360},70%,50%)"/><stop offset="1" stop-color="#eee"/></radialGradient></defs><rect width="100%" height="100%" fill="url(#g)"/></svg>`
  )
  const noise = await sharp({
    create: { width, height, channels: 3, background: "#808080", noise: { type: "gaussian", mean: 128, sigma: 12 } }
  })
    .png({ compressionLevel: 1 })
    .toBuffer()
  return new Uint8Array(
    await sharp(waves)
      .composite([{ input: noise, blend: "soft-light" }])
      .flatten()
      .jpeg({ quality: 85 })
      .toBuffer()
  )
}

const started = async (served: Served) => {
  const begin = performance.now()
  const child = served.start()
  while (!(await isReady(served))) {
    if (child.exitCode !== null) throw new Error(`${served.label} ended before it was ready`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  const agent = new Agent()
  await ask(agent, served, small[0] ?? new Uint8Array())
  agent.destroy()
  return { child, seconds: (performance.now() - begin) / 1000 }
}

const stopped = (child: ChildProcess) =>
  new Promise<void>((resolve) => {
    child.once("exit", () => resolve())
    child.kill("SIGTERM")
  })

const small = await Promise.all(Array.from({ length: 32 }, (_, n) => photo(60, 80, n)))
const large = await Promise.all(Array.from({ length: 4 }, (_, n) => photo(1200, 1600, n)))
const rounds = Number(values.rounds)
const images = Number(values.images)

const round = async (served: Served) => {
  const { child, seconds } = await started(served)
  // What a server does at its start beside answering is no part of this.
  await atOnce(served, small, 500)
  const one = await oneByOne(served, small, 200)
  const big = await oneByOne(served, large, 60)
  const before = processorOf(child)
  const many = await atOnce(served, small, images)
  const processor = (processorOf(child) - before) / images
  await stopped(child)
  return { start: seconds, one, big, many, processor }
}

const sides = [ours, ...(theirs === undefined ? [] : [theirs])]
const found = new Map(sides.map((side) => [side.label, [] as Array<Awaited<ReturnType<typeof round>>>]))
for (let i = 0; i < rounds; i++)
  for (const side of i % 2 === 0 ? sides : sides.toReversed()) found.get(side.label)?.push(await round(side))

const ms = (time: number) => `${time.toFixed(1)} ms`
console.log(
  `${cpus()[0]?.model.trim()}, ${cpus().length} cores; load ${loadavg()
    .map((one) => one.toFixed(1))
    .join(" ")}; medians of ${rounds} rounds`
)
console.log(`small JPEG ${small[0]?.length} bytes, large ${Math.round((large[0]?.length ?? 0) / 1000)} kB`)
for (const [label, all] of rounds === 0 ? [] : found) {
  const of = (pick: (one: (typeof all)[number]) => number) => median(all.map(pick))
  console.log(
    [
      label,
      `start to first answer ${of(({ start }) => start).toFixed(2)} s`,
      `small one at a time p50 ${ms(of(({ one }) => one.p50))} p95 ${ms(of(({ one }) => one.p95))}`,
      `1200x1600 p50 ${ms(of(({ big }) => big.p50))} p95 ${ms(of(({ big }) => big.p95))}`,
      `64 clients ${of(({ many }) => many.perSecond).toFixed(0)} images/s p50 ${ms(of(({ many }) => many.p50))} p95 ${ms(of(({ many }) => many.p95))}, errors ${all.reduce((sum, { many }) => sum + many.errors, 0)}`,
      `processor ${of(({ processor }) => processor).toFixed(2)} ms/image`,
      `each: ${all.map(({ many, processor }) => `${many.perSecond.toFixed(0)}/s ${many.p95.toFixed(0)} ms ${processor.toFixed(2)}`).join(", ")}`
    ].join(" | ")
  )
}

const most = Number(values.many)
if (most > 0) {
  const { child } = await started(ours)
  console.log(`0 requests: ${memoryOf(child).toFixed(0)} MiB`)
  for (let i = 0; i < 10; i++) {
    const { errors, perSecond } = await atOnce(ours, small, Math.round(most / 10))
    console.log(
      `${Math.round((most / 10) * (i + 1))} requests: ${memoryOf(child).toFixed(0)} MiB, ${perSecond.toFixed(0)}/s, errors ${errors}`
    )
  }
  await stopped(child)
}
