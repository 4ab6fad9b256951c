import { Effect, Exit, Scope } from "effect"
import { execFile, execFileSync } from "node:child_process"
import { chown, mkdtemp, readdir, rm } from "node:fs/promises"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"

const run = promisify(execFile)

/** PostgreSQL refuses to run as root: then it runs as a user without rights. */
const user = (): { readonly uid: number; readonly gid: number } | undefined => {
  if (process.getuid?.() !== 0) return undefined
  const idOf = (flag: string) => Number(execFileSync("id", [flag, "nobody"], { encoding: "utf8" }))
  return { uid: idOf("-u"), gid: idOf("-g") }
}

/** Where Debian's libraries are that were unpacked beside the programs. */
const unpacked = join(import.meta.dirname, "../.weft/postgresql")

/** How the programs are run: as a user that they accept, with the libraries that came with them. */
const settings = async () => {
  const libraries = join(unpacked, "usr/lib")
  const [triplet] = (await readdir(libraries).catch(() => [])).filter((name) => name.endsWith("-linux-gnu"))
  const { LD_LIBRARY_PATH: before } = process.env
  const own = triplet === undefined ? [] : [join(libraries, triplet)]
  const path = [...own, ...(before === undefined ? [] : [before])].join(":")
  return {
    ...user(),
    cwd: tmpdir(),
    env: { ...process.env, LC_ALL: "C", ...(path !== "" && { LD_LIBRARY_PATH: path }) }
  }
}

/** The newest PostgreSQL of Debian's on this machine, or the one that CI unpacked; nothing where none can be run. */
const programs = async (): Promise<string | undefined> => {
  for (const root of ["/usr/lib/postgresql", join(unpacked, "usr/lib/postgresql")]) {
    const versions = await readdir(root).catch(() => [])
    const newest = versions.toSorted((a, b) => Number(a) - Number(b)).at(-1)
    if (newest === undefined) continue
    const bin = join(root, newest, "bin")
    const runs = await run(join(bin, "initdb"), ["--version"], await settings()).then(
      () => true,
      () => false
    )
    if (runs) return bin
  }
  return undefined
}

/** A port that nobody listens on. */
export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer().once("error", reject)
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      server.close(() => (typeof address === "object" && address !== null ? resolve(address.port) : reject()))
    })
  })

/** The folder of PostgreSQL's programs; undefined: the tests that need them are skipped. */
export const postgresPrograms = await programs()

/** The password that must be seen nowhere. */
export const password = "qu1te-s3cret-w0rd"

/** A PostgreSQL of its own in a temporary folder, and its URL with a password; stopped and removed with its Scope. */
export const postgres = Effect.acquireRelease(
  Effect.promise(async () => {
    const bin = postgresPrograms ?? ""
    const folder = await mkdtemp(join(tmpdir(), "weft-postgres-"))
    const as = user()
    if (as !== undefined) await chown(folder, as.uid, as.gid)
    const options = { ...(await settings()), cwd: folder }
    const data = join(folder, "data")
    await run("/bin/sh", ["-c", `echo '${password}' > password`], options)
    const initial = ["-D", data, "-U", "weft", "-A", "scram-sha-256", "--pwfile", join(folder, "password"), "-N"]
    await run(join(bin, "initdb"), initial, options)
    const port = await freePort()
    const flags = `-p ${port} -k ${folder} -c listen_addresses=127.0.0.1 -c fsync=off`
    await run(join(bin, "pg_ctl"), ["-D", data, "-w", "-l", join(folder, "log"), "-o", flags, "start"], options)
    return { bin, data, folder, options, url: `postgres://weft:${password}@127.0.0.1:${port}/postgres` }
  }),
  ({ bin, data, folder, options }) =>
    Effect.promise(async () => {
      await run(join(bin, "pg_ctl"), ["-D", data, "-m", "immediate", "stop"], options)
      await rm(folder, { recursive: true, force: true })
    })
)

/** The same, for all tests of a file: `stop` ends it. */
export const startPostgres = async (): Promise<{ readonly url: string; readonly stop: () => Promise<void> }> => {
  const scope = Effect.runSync(Scope.make())
  const { url } = await Effect.runPromise(Scope.provide(postgres, scope))
  return { url, stop: () => Effect.runPromise(Scope.close(scope, Exit.void)) }
}
