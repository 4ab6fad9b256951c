import { execFile, execFileSync } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const cache = fileURLToPath(new URL("../../../.weft/nodes/", import.meta.url))

/** Milliseconds for the registry, which has 45 MB of each Node. */
const patience = 120_000

/**
 * The executable of a version of Node: the one that runs this, or that of npm's package with Node's binary, fetched
 * once into `.weft/nodes`. Where it cannot be had, why.
 */
export const nodeOf = (version: string): { readonly path: string } | { readonly missing: string } => {
  if (version === process.versions.node) return { path: process.execPath }
  const folder = join(cache, version)
  const path = join(folder, "node")
  if (existsSync(path)) return { path }
  mkdirSync(cache, { recursive: true })
  const temporary = mkdtempSync(join(cache, "new-"))
  const options = { cwd: temporary, timeout: patience, stdio: "pipe" } as const
  try {
    execFileSync("npm", ["pack", "--silent", `node-${process.platform}-${process.arch}@${version}`], options)
    const archive = readdirSync(temporary).find((name) => name.endsWith(".tgz"))
    execFileSync("tar", ["-xzf", archive ?? "", "--strip-components=2", "package/bin/node"], options)
    mkdirSync(folder, { recursive: true })
    renameSync(join(temporary, "node"), path)
    return { path }
  } catch (cause) {
    return { missing: (cause instanceof Error ? cause.message : String(cause)).split("\n")[0]! }
  } finally {
    rmSync(temporary, { recursive: true, force: true })
  }
}

/** What a Node prints of a program in this folder; rejects, with what it said, where it fails. */
export const runWith = (node: string, program: string, args: ReadonlyArray<string>): Promise<string> =>
  new Promise((resolve, reject) =>
    execFile(node, [fileURLToPath(new URL(program, import.meta.url)), ...args], (failure, stdout, stderr) =>
      failure === null ? resolve(stdout) : reject(new Error(`${failure.message}\n${stderr}`))
    )
  )
