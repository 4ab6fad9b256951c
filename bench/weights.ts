/**
 * Whether trained weights are in memory once only: reads a safetensors file that it makes itself, in each type of
 * number, in a process of its own. Prints one JSON line a type with what the resident set grew by at most (MiB), and
 * ends with 1 where that is a fourth more than the tensors take: node bench/weights.ts [MEGABYTES OF FLOAT32]
 */
import { Console, Effect } from "effect"
import { execFileSync } from "node:child_process"
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileTensors } from "../src/layers/storage/SafetensorsFile.ts"

const columns = 1000

/** A file of `count` tensors of (rows, 1000), as a network of so many layers has them. */
const writeFile = (path: string, dtype: string, count: number, rows: number) => {
  const size = rows * columns * (dtype === "F32" ? 4 : 2)
  const entries = Array.from({ length: count }, (_, i) => [
    `layer${i}.weight`,
    { dtype, shape: [rows, columns], data_offsets: [i * size, (i + 1) * size] }
  ])
  const header = Buffer.from(JSON.stringify(Object.fromEntries(entries)))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(header.length))
  const file = openSync(path, "w")
  for (const bytes of [length, header]) writeSync(file, bytes)
  const row = Buffer.alloc(size / rows, 0x3c)
  for (let i = 0; i < count * rows; i++) writeSync(file, row)
  closeSync(file)
}

/** High-water mark of the resident set, MiB. */
const highest = () => process.resourceUsage().maxRSS / 1024

/** In the process of its own: reads everything, and says what that took. */
const read = (path: string, count: number) =>
  Effect.gen(function* () {
    const before = highest()
    const begin = performance.now()
    const tensors = yield* fileTensors(path, new Set(Array.from({ length: count }, (_, i) => `layer${i}.weight`)))
    const bytes = [...tensors.values()].reduce((sum, { data }) => sum + data.byteLength, 0)
    yield* Console.log(
      JSON.stringify({
        tensors: Math.round(bytes / 2 ** 20),
        grown: Math.round(highest() - before),
        seconds: Number(((performance.now() - begin) / 1000).toFixed(2))
      })
    )
  })

const [first = "200", path, count] = process.argv.slice(2)
if (path !== undefined) await Effect.runPromise(read(path, Number(count)))
else {
  const folder = mkdtempSync(join(tmpdir(), "weft-bench-"))
  for (const dtype of ["F32", "F16", "BF16"]) {
    const file = join(folder, `${dtype}.safetensors`)
    const rows = Math.max(1, Math.round((Number(first) * 1e6) / (8 * columns * 4)))
    writeFile(file, dtype, 8, rows)
    const line = execFileSync(process.execPath, [import.meta.filename, first, file, "8"], { encoding: "utf8" })
    const { grown, seconds, tensors } = JSON.parse(line) as { grown: number; seconds: number; tensors: number } // ours
    console.log(JSON.stringify({ dtype, tensors, grown, seconds }))
    if (grown > 1.25 * tensors) process.exitCode = 1
    rmSync(file)
  }
  rmSync(folder, { recursive: true })
}
