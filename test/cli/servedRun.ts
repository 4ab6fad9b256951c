import { assert } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import { spawn, spawnSync } from "node:child_process"
import type { ChildProcess } from "node:child_process"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

export const bin = fileURLToPath(new URL("../../src/bin.ts", import.meta.url))

/** Trains the run `shop` of a folder on the drawn catalogue; it ends after some seconds. */
export const trained = (folder: string, run = "shop", ...settings: ReadonlyArray<string>) =>
  Effect.sync(() => {
    const all = ["data.sample.images=300", "train.epochs=1", ...settings].flatMap((one) => ["--set", one])
    const { status, stderr } = spawnSync(process.execPath, [bin, "train", "--run", run, ...all], {
      cwd: folder,
      encoding: "utf8"
    })
    assert.strictEqual(status, 0, stderr)
  })

/** The drawn catalogue that the runs of a folder were trained on: its CSV and its photos' bytes. */
export const catalogueOf = (folder: string) => {
  const name = readdirSync(join(folder, ".weft")).find((one) => one.startsWith("sample")) ?? ""
  const images = join(folder, ".weft", name, "images")
  return {
    list: readFileSync(join(folder, ".weft", name, "styles.csv")),
    photos: readdirSync(images).map((file) => readFileSync(join(images, file)))
  }
}

export interface Started {
  readonly child: ChildProcess
  readonly url: string
  readonly ended: Promise<number | NodeJS.Signals | null>
  /** What it has written to standard error until now. */
  readonly errors: () => string
}

/** Starts `weft serve` on a free port, until the Scope closes; ready when it says where it is. */
export const start = (folder: string, args: ReadonlyArray<string> = []) =>
  Effect.acquireRelease(
    Effect.promise(
      () =>
        new Promise<Started>((resolve, reject) => {
          const child = spawn(process.execPath, [bin, "serve", "--run", "shop", "--port", "0", ...args], {
            cwd: folder
          })
          const ended = new Promise<number | NodeJS.Signals | null>((resolve) =>
            child.once("exit", (code, signal) => resolve(signal ?? code))
          )
          let errors = ""
          child.stderr.on("data", (chunk) => (errors += String(chunk)))
          child.stdout.once("data", (chunk) =>
            resolve({ child, ended, url: String(chunk).trim().replace(/\/$/, ""), errors: () => errors })
          )
          void ended.then((how) => reject(new Error(`it ended with ${how}: ${errors}`)))
        })
    ),
    ({ child, ended }) =>
      Effect.promise(() => {
        child.kill("SIGKILL")
        return ended
      })
  )

export const call = (url: string, body?: unknown) =>
  Effect.promise(async () => {
    const response = await fetch(url, {
      method: body === undefined ? "GET" : "POST",
      ...(body !== undefined && { headers: { "content-type": "application/json" }, body: JSON.stringify(body) })
    })
    const text = await response.text()
    return {
      status: response.status,
      text,
      json: text.startsWith("{") || text.startsWith("[") ? JSON.parse(text) : undefined
    }
  })

/** Asks until the answer is as wanted. */
export const until = (url: string, wanted: (json: { readonly state: string } & Record<string, unknown>) => boolean) =>
  call(url).pipe(
    Effect.map(({ json }) => json),
    Effect.filterOrFail(wanted),
    Effect.retry(Schedule.spaced("200 millis"))
  )
