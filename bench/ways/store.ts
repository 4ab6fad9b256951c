/**
 * What keeps features and decoded images between runs: files that only grow (`ContentStore`), or one table of SQLite
 * (`node:sqlite`, WAL). Writes, then reads at random; prints one JSON line:
 *   node bench/ways/store.ts --way sqlite --load features
 *   node bench/ways/store.ts --way files --load pixels --side 224 --threads 2
 *   node bench/ways/store.ts --way sqlite --load damaged     (one byte changed at each of 300 places, and cut files)
 *   node bench/ways/store.ts --way files --load killed       (a writer that is killed)
 *   node bench/ways/store.ts --way files --load full --folder FOLDER_ON_A_SMALL_DISK
 * The files lie in the page cache: what is measured is the software, not the disk.
 */
import { Console, Effect } from "effect"
import { spawn } from "node:child_process"
import { createHash } from "node:crypto"
import { once } from "node:events"
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { parseArgs } from "node:util"
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads"
import { crc32 } from "node:zlib"
import { PixelStore } from "../../src/layers/images/feed/PixelStore.ts"
import * as DiskFeatureCache from "../../src/layers/storage/DiskFeatureCache.ts"

const { values } = parseArgs({
  options: {
    way: { type: "string", default: "files" },
    load: { type: "string", default: "features" },
    rows: { type: "string" },
    side: { type: "string", default: "80" },
    threads: { type: "string", default: "2" },
    page: { type: "string", default: "4096" },
    folder: { type: "string" },
    writes: { type: "string" }
  }
})

const bound = 8e9
const perBatch = 32
const keyOf = (n: number) => createHash("sha256").update(`row ${n}`).digest("hex")

/** Bytes that any order of rows gives the same. */
const valueOf = (n: number, size: number): Uint8Array => {
  const bytes = Buffer.alloc(size, createHash("sha256").update(`value ${n}`).digest())
  bytes.writeUInt32LE(n, 0)
  return bytes
}

interface Store {
  readonly write: (keys: ReadonlyArray<string>, values: ReadonlyArray<Uint8Array>) => Promise<void>
  /** Undefined where a value is missing or not as it was written. */
  readonly read: (keys: ReadonlyArray<string>) => Promise<ReadonlyArray<Uint8Array | undefined>>
  readonly close: () => void
}

/** The prototype: the table, a checksum for each value (SQLite has none), uses noted once a minute at most. */
const sqlite = (folder: string): Store => {
  mkdirSync(folder, { recursive: true })
  const database = new DatabaseSync(join(folder, "store.db"))
  database.exec(
    `PRAGMA busy_timeout=10000; PRAGMA page_size=${Number(values.page)}; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;
     PRAGMA cache_size=-65536; PRAGMA mmap_size=2000000000;
     CREATE TABLE IF NOT EXISTS entries (key BLOB PRIMARY KEY, used INTEGER, crc INTEGER, value BLOB);
     CREATE INDEX IF NOT EXISTS uses ON entries (used)`
  )
  const put = database.prepare("INSERT OR IGNORE INTO entries VALUES (?, ?, ?, ?)")
  const get = database.prepare("SELECT crc, value FROM entries WHERE key = ?")
  const sum = database.prepare("SELECT page_count * page_size AS bytes FROM pragma_page_count, pragma_page_size")
  const evict = database.prepare("DELETE FROM entries WHERE rowid IN (SELECT rowid FROM entries ORDER BY used LIMIT ?)")
  const bytesOf = (key: string) => Buffer.from(key, "hex")
  return {
    write: (keys, values) => {
      database.exec("BEGIN IMMEDIATE")
      try {
        for (const [i, key] of keys.entries()) put.run(bytesOf(key), 0, crc32(values[i]!), values[i]!) // one a key
        if (Number(sum.get()?.["bytes"]) > bound) evict.run(keys.length)
        database.exec("COMMIT")
      } catch (cause) {
        if (database.isTransaction) database.exec("ROLLBACK")
        throw cause
      }
      return Promise.resolve()
    },
    read: (keys) => {
      database.exec("BEGIN")
      const found = keys.map((key) => {
        // The table's two columns, as they were written.
        const row = get.get(bytesOf(key)) as { readonly crc: number; readonly value: Uint8Array } | undefined
        return row !== undefined && crc32(row.value) === row.crc ? row.value : undefined
      })
      database.exec("COMMIT")
      return Promise.resolve(found)
    },
    close: () => database.close()
  }
}

const features = (folder: string, size: number): Store => {
  const cache = DiskFeatureCache.make({ folder, bytes: bound })
  const space = { digest: "a".repeat(64), length: size / 4, isPlain: true }
  return {
    write: (keys, values) => {
      const rows = Buffer.concat(values)
      return Effect.runPromise(
        cache.write(space, keys, new Float32Array(rows.buffer, rows.byteOffset, rows.length / 4))
      )
    },
    read: async (keys) => {
      const { features, missing } = await Effect.runPromise(cache.read(space, keys))
      const lost = new Set(missing)
      return keys.map((_, i) => (lost.has(i) ? undefined : new Uint8Array(features.buffer, i * size, size)))
    },
    close: cache.close
  }
}

const pixels = (folder: string, width: number): Store => {
  const store = new PixelStore({ root: folder, space: keyOf(-1), most: bound, owner: "bench" })
  store.refresh()
  return {
    write: (keys, values) => {
      for (const [i, key] of keys.entries())
        store.put(key, { height: values[i]!.length / width / 3, width, data: values[i]! })
      return Promise.resolve()
    },
    read: (keys) => Promise.resolve(keys.map((key) => store.take(key)?.data)),
    close: () => store.close()
  }
}

const side = Number(values.side)
const isPixels = values.load === "pixels"
const size = isPixels ? (side === 80 ? 60 : side) * side * 3 : 5120
const rows = Number(values.rows ?? (isPixels ? (side === 80 ? 20_000 : 2000) : 31_000))
const open = (folder: string): Store =>
  values.way === "sqlite" ? sqlite(folder) : isPixels ? pixels(folder, side === 80 ? 60 : side) : features(folder, size)

const batchesOf = (order: ReadonlyArray<number>) =>
  Array.from({ length: Math.ceil(order.length / perBatch) }, (_, i) => order.slice(i * perBatch, (i + 1) * perBatch))

/** A permutation: a prime that divides no number of rows. */
const shuffled = (count: number, from: number) => Array.from({ length: count }, (_, i) => (from + i * 7919) % count)

const measured = async (count: number, work: () => Promise<void>) => {
  const [wall, cpu] = [performance.now(), process.cpuUsage()]
  await work()
  const { system, user } = process.cpuUsage(cpu)
  const seconds = (performance.now() - wall) / 1000
  return { perSecond: Math.round(count / seconds), cpuMicroseconds: Number(((system + user) / count).toFixed(1)) }
}

const bytesIn = (folder: string): number =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, { name, parentPath }) => sum + statSync(join(parentPath, name)).size, 0)

const readAll = async (store: Store, from: number, count: number) => {
  for (const batch of batchesOf(shuffled(rows, from).slice(0, count))) {
    const found = await store.read(batch.map(keyOf))
    for (const [i, n] of batch.entries())
      if (found[i] === undefined || Buffer.from(found[i].buffer, found[i].byteOffset).readUInt32LE(0) !== n)
        throw new Error(`row ${n} is not there`)
  }
}

const write = async (store: Store, from: number, to: number, after: (n: number) => void = () => {}) => {
  for (let at = from; at < to; at += perBatch) {
    const batch = Array.from({ length: Math.min(perBatch, to - at) }, (_, i) => at + i)
    await store.write(
      batch.map(keyOf),
      batch.map((n) => valueOf(n, size))
    )
    after(at + batch.length)
  }
}

const newFolder = () => mkdtempSync(join(values.folder ?? tmpdir(), "store-"))

const rates = async (folder: string) => {
  const threads = isPixels ? Number(values.threads) : 1
  const inThreads = async (what: "write" | "read") => {
    const workers = Array.from(
      { length: threads },
      (_, thread) =>
        new Worker(new URL(import.meta.url), {
          argv: process.argv.slice(2),
          workerData: { folder, thread, threads, what }
        })
    )
    await Promise.all(workers.map((worker) => once(worker, "message")))
    const result = await measured(rows, async () => {
      for (const worker of workers) worker.postMessage("go", [])
      await Promise.all(workers.map((worker) => once(worker, "message")))
    })
    await Promise.all(workers.map((worker) => worker.terminate()))
    return result
  }
  const written = await inThreads("write")
  await inThreads("read")
  return { written, read: await inThreads("read"), bytes: bytesIn(folder), valueBytes: rows * size }
}

const inThread = ({
  folder,
  thread,
  threads,
  what
}: {
  folder: string
  thread: number
  threads: number
  what: string
}) => {
  const store = open(folder)
  const share = Math.ceil(rows / threads)
  parentPort?.once("message", () => {
    const work =
      what === "write"
        ? write(store, thread * share, Math.min(rows, (thread + 1) * share))
        : readAll(store, thread * share, share)
    void work.then(() => parentPort?.postMessage("done", []))
  })
  parentPort?.postMessage("ready", [])
}

const countOf = async (store: Store, count: number) => {
  const state = { whole: 0, missing: 0, wrong: 0, failed: 0 }
  for (let n = 0; n < count; n++) {
    try {
      const [found] = await store.read([keyOf(n)])
      if (found === undefined) state.missing++
      else if (Buffer.compare(found, valueOf(n, size)) === 0) state.whole++
      else state.wrong++
    } catch {
      state.failed++
    }
  }
  return state
}

/** A byte changed at each of many places, then the file cut at some: what of 320 rows is left each time. */
const damaged = async (folder: string) => {
  const store = open(folder)
  await write(store, 0, 320)
  store.close()
  const largest = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile())
    .sort((a, b) => statSync(b).size - statSync(a).size)[0]!
  const whole = readFileSync(largest)
  const after = async (bytes: Uint8Array) => {
    writeFileSync(largest, bytes)
    for (const suffix of ["-wal", "-shm"]) rmSync(`${largest}${suffix}`, { force: true })
    try {
      const store = open(folder)
      try {
        return await countOf(store, 320)
      } finally {
        store.close()
      }
    } catch {
      return { whole: 0, missing: 0, wrong: 0, failed: 320 }
    }
  }
  const changes = []
  for (let i = 0; i < 300; i++) {
    const bytes = Buffer.from(whole)
    const at = Math.floor((i / 300) * whole.length)
    bytes[at]! ^= 1 << (i % 8)
    changes.push(await after(bytes))
  }
  const cuts = []
  for (const part of [0.99, 0.75, 0.5]) cuts.push(await after(whole.subarray(0, Math.floor(whole.length * part))))
  return {
    changes: {
      mostLost: Math.max(...changes.map(({ whole }) => 320 - whole)),
      withErrors: changes.filter(({ failed }) => failed > 0).length,
      wrong: changes.filter(({ wrong }) => wrong > 0).length
    },
    cuts
  }
}

const killed = async (folder: string) => {
  const child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1), "--writes", folder], {
    stdio: ["ignore", "pipe", "inherit"]
  })
  let printed = ""
  child.stdout.on("data", (text: Buffer) => {
    printed += text.toString()
    if (printed.split("\n").length > 60) child.kill("SIGKILL")
  })
  await once(child, "close")
  const done = Number(printed.split("\n").at(-2))
  const store = open(folder)
  const state = await countOf(store, done)
  store.close()
  return { done, ...state }
}

const full = async (folder: string) => {
  const store = open(folder)
  let last = 0
  let error = ""
  try {
    await write(store, 0, 1e9, (n) => (last = n))
  } catch (cause) {
    error = String(cause)
  }
  const state = await countOf(store, last)
  store.close()
  return { last, error, ...state, bytes: bytesIn(folder) }
}

const main = async () => {
  if (values.writes !== undefined) {
    await write(open(values.writes), 0, 1e9, (n) => process.stdout.write(`${n}\n`))
    return
  }
  const folder = newFolder()
  try {
    const loads: Record<string, typeof rates | typeof killed | typeof full | typeof damaged> = { killed, full, damaged }
    const result = await (loads[values.load] ?? rates)(folder)
    await Effect.runPromise(Console.log(JSON.stringify({ ...values, rows, ...result })))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

if (isMainThread) await main()
else inThread(workerData)
