import { Effect } from "effect"
import { execFile, execFileSync } from "node:child_process"
import { chown, mkdtemp, readdir, rm } from "node:fs/promises"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"

const run = promisify(execFile)

/** Where Debian puts PostgreSQL's programs, and where CI unpacks them; the newest version. */
const programs = async (): Promise<string | undefined> => {
  for (const root of [join(import.meta.dirname, "../.weft/postgresql/usr/lib/postgresql"), "/usr/lib/postgresql"]) {
    const versions = await readdir(root).catch(() => [])
    const newest = versions.toSorted((a, b) => Number(a) - Number(b)).at(-1)
    if (newest !== undefined) return join(root, newest, "bin")
  }
  return undefined
}

/** PostgreSQL refuses to run as root: then it runs as a user without rights. */
const user = (): { readonly uid: number; readonly gid: number } | undefined => {
  if (process.getuid?.() !== 0) return undefined
  const idOf = (flag: string) => Number(execFileSync("id", [flag, "nobody"], { encoding: "utf8" }))
  return { uid: idOf("-u"), gid: idOf("-g") }
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

/** The folder of PostgreSQL's programs, or nothing: then the tests that need it are skipped. */
export const postgresPrograms = await programs()

/** The password that must be seen nowhere. */
export const password = "qu1te-s3cret-w0rd"

/** A PostgreSQL of its own in a temporary folder, and its URL with a password; stopped and removed with its Scope. */
export const postgres = Effect.acquireRelease(
  Effect.promise(async () => {
    const bin = postgresPrograms ?? ""
    const as = user()
    const folder = await mkdtemp(join(tmpdir(), "weft-postgres-"))
    if (as !== undefined) await chown(folder, as.uid, as.gid)
    const options = { ...as, cwd: folder, env: { ...process.env, LC_ALL: "C" } }
    const data = join(folder, "data")
    await run("/bin/sh", ["-c", `echo '${password}' > password`], options)
    const initial = ["-D", data, "-U", "weft", "-A", "scram-sha-256", "--pwfile", join(folder, "password"), "-N"]
    await run(join(bin, "initdb"), initial, options)
    const port = await freePort()
    const settings = `-p ${port} -k ${folder} -c listen_addresses=127.0.0.1 -c fsync=off`
    await run(join(bin, "pg_ctl"), ["-D", data, "-w", "-l", join(folder, "log"), "-o", settings, "start"], options)
    return { bin, data, folder, options, url: `postgres://weft:${password}@127.0.0.1:${port}/postgres` }
  }),
  ({ bin, data, folder, options }) =>
    Effect.promise(async () => {
      await run(join(bin, "pg_ctl"), ["-D", data, "-m", "immediate", "stop"], options)
      await rm(folder, { recursive: true, force: true })
    })
)
