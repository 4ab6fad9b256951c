import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Result } from "effect"
import { execFileSync, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll } from "vitest"
import * as DiskImageBytes from "../../../src/layers/images/DiskImageBytes.ts"
import { ImageBytes } from "../../../src/pipeline/ImageBytes.ts"

const folder = mkdtempSync(join(tmpdir(), "weft-bytes-"))
afterAll(() => rmSync(folder, { recursive: true }))

const content = new TextEncoder().encode("the bytes of an image")
const file = join(folder, "image.jpg")
writeFileSync(file, content)
const isWindows = process.platform === "win32"

const layers: Readonly<Record<string, Layer.Layer<ImageBytes>>> = {
  disk: DiskImageBytes.layer,
  memory: ImageBytes.layerMemory(new Map([[file, content]]))
}

/** What the service and the feed's own way make of a path on disk; they must agree. */
const refusal = Effect.fnUntraced(function* (path: string, most = 1000) {
  const bytes = yield* ImageBytes
  const { detail, path: named, reason } = yield* Effect.flip(bytes.read(path, most))
  assert.strictEqual(named, path)
  assert.deepStrictEqual(DiskImageBytes.readImageSync(path, most), { reason, detail })
  return `${reason}: ${detail}`
}, Effect.provide(DiskImageBytes.layer))

for (const [name, layer] of Object.entries(layers))
  describe(`image bytes from ${name}`, () => {
    it.effect("are a file's own, up to a bound", () =>
      Effect.gen(function* () {
        const bytes = yield* ImageBytes
        assert.deepStrictEqual(Uint8Array.from(yield* bytes.read(file, 1000)), content)
        assert.deepStrictEqual(Uint8Array.from(yield* bytes.read(file, content.length)), content)
        const error = yield* Effect.flip(bytes.read(file, content.length - 1))
        assert.deepStrictEqual([error.reason, error.path], ["imageTooLarge", file])
        assert.strictEqual(error.detail, "it has 21 bytes; image.maxBytes allows 20")
      }).pipe(Effect.provide(layer))
    )
    it.effect("are refused where there is no file", () =>
      Effect.gen(function* () {
        const bytes = yield* ImageBytes
        for (const path of [join(folder, "none.jpg"), join(file, "below.jpg")])
          assert.strictEqual((yield* Effect.flip(bytes.read(path, 1000))).reason, "imageMissing")
      }).pipe(Effect.provide(layer))
    )
  })

describe("on disk, what is no regular file is refused at once", () => {
  it.effect("a folder, a link to one, links in a circle, a name with a zero byte", () =>
    Effect.gen(function* () {
      const inner = join(folder, "folder.jpg")
      mkdirSync(inner)
      symlinkSync(inner, join(folder, "link.jpg"))
      symlinkSync(join(folder, "round.jpg"), join(folder, "round.jpg"))
      assert.strictEqual(yield* refusal(inner), "imageUnreadable: it is a folder, not a file")
      assert.strictEqual(yield* refusal(join(folder, "link.jpg")), "imageUnreadable: it is a folder, not a file")
      assert.match(yield* refusal(join(folder, "round.jpg")), /^imageUnreadable: .*circle/)
      assert.match(yield* refusal(join(folder, "a\0b.jpg")), /^imageUnreadable: .*zero byte/)
    })
  )
  it.effect.skipIf(isWindows)("a FIFO that nobody writes to, devices without an end, links to them", () =>
    Effect.gen(function* () {
      const fifo = join(folder, "fifo.jpg")
      execFileSync("mkfifo", [fifo])
      symlinkSync(fifo, join(folder, "to-fifo.jpg"))
      symlinkSync("/dev/zero", join(folder, "to-zero.jpg"))
      for (const path of [fifo, join(folder, "to-fifo.jpg")])
        assert.strictEqual(yield* refusal(path), "imageUnreadable: it is a named pipe, not a file")
      for (const path of ["/dev/zero", "/dev/tty", join(folder, "to-zero.jpg")])
        assert.strictEqual(yield* refusal(path), "imageUnreadable: it is a device, not a file")
    })
  )
  it.effect.skipIf(isWindows)("a FIFO is not even opened: who waits to write to it waits on", () =>
    Effect.gen(function* () {
      const fifo = join(folder, "waiting.jpg")
      execFileSync("mkfifo", [fifo])
      const writer = spawn("sh", ["-c", `echo opening; exec 3> "$0"; echo opened`, fifo])
      const said: Array<string> = []
      writer.stdout.on("data", (data: Buffer) => said.push(data.toString()))
      yield* Effect.promise(() => once(writer.stdout, "data"))
      for (let n = 0; n < 20; n++) yield* refusal(fifo)
      assert.strictEqual(said.join(""), "opening\n")
      writer.kill("SIGKILL")
    })
  )
  it.effect.skipIf(isWindows)("a socket", () =>
    Effect.gen(function* () {
      const socket = join(folder, "socket.jpg")
      const server = createServer()
      yield* Effect.promise(() => new Promise<void>((resolve) => server.listen(socket, resolve)))
      assert.strictEqual(yield* refusal(socket), "imageUnreadable: it is a socket, not a file")
      server.close()
    })
  )
})

describe("on disk, while another program writes", () => {
  it.effect("a file that is cut short and written again is read without an end of the process", () =>
    Effect.gen(function* () {
      const path = join(folder, "busy.jpg")
      const whole = new Uint8Array(3_000_000).fill(7)
      writeFileSync(path, whole)
      const bytes = yield* ImageBytes
      const lengths = new Set<number>()
      const reader = yield* Effect.forkChild(
        Effect.forEach(Array.from({ length: 60 }), () =>
          Effect.map(Effect.result(bytes.read(path, 4_000_000)), (read) => {
            if (Result.isFailure(read)) assert.fail(read.failure.message)
            assert.isTrue(read.success.every((byte) => byte === 7 || byte === 0))
            lengths.add(read.success.length)
          })
        )
      )
      for (let n = 0; n < 60; n++) {
        truncateSync(path, n % 2 === 0 ? 1000 : 3_000_000)
        yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
      }
      yield* Fiber.join(reader)
      for (const length of lengths) assert.isAtMost(length, 3_000_000)
    }).pipe(Effect.provide(DiskImageBytes.layer))
  )
  it.effect("of a file that grows, what is beyond the bound is not read", () =>
    Effect.gen(function* () {
      // A file of the kernel's says that it has no bytes, as one that grows after it was looked at.
      if (process.platform !== "linux") return
      const bytes = yield* ImageBytes
      const read = yield* bytes.read("/proc/self/status", 100_000)
      assert.isAbove(read.length, 100)
      assert.match(yield* refusal("/proc/self/status", 50), /^imageTooLarge: it has 51 bytes/)
    }).pipe(Effect.provide(DiskImageBytes.layer))
  )
})
