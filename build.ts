/** Builds the package: `dist/` mirrors `src/`, as JavaScript with source maps, and declarations for what is public. */
import { spawnSync } from "node:child_process"
import { chmodSync, copyFileSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"

const root = import.meta.dirname
const dist = join(root, "dist")
const tsc = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin", "tsc")

rmSync(dist, { recursive: true, force: true })
for (const project of ["tsconfig.build.json", "tsconfig.types.json"]) {
  const { status, stdout } = spawnSync(process.execPath, [tsc, "--project", join(root, project)], {
    cwd: root,
    encoding: "utf8"
  })
  if (status !== 0) {
    process.stdout.write(stdout)
    process.exit(1)
  }
}

// C++ sources that are compiled where they are used, and Python.
for (const file of globSync("src/**/*.{cc,h,py}", { cwd: root })) {
  const to = join(dist, file.slice("src/".length))
  mkdirSync(dirname(to), { recursive: true })
  copyFileSync(join(root, file), to)
}

// TypeScript rewrites what is imported. A thread's or a process's file is named by a URL, and must be one that is there.
for (const file of globSync("**/*.js", { cwd: dist })) {
  const path = join(dist, file)
  const text = readFileSync(path, "utf8").replace(/(new URL\("\.[^"]+)\.ts("[,)])/g, "$1.js$2")
  const left = /^(?!\s*(?:\/\/|\/?\*)).*["'`](\.[^"'`\s]*\.ts)["'`]/m.exec(text)
  if (left !== null)
    throw new Error(`dist/${file} names ${left[1]}, which is no file there: write new URL("./x.ts", import.meta.url)`)
  writeFileSync(path, text)
}
// Declarations keep the sources' names, which TypeScript finds; other tools look for the modules' own.
for (const file of globSync("**/*.d.ts", { cwd: dist })) {
  const path = join(dist, file)
  writeFileSync(path, readFileSync(path, "utf8").replace(/((?:from|import|module) ?\(?"\.[^"]+)\.ts(")/g, "$1.js$2"))
}
chmodSync(join(dist, "bin.js"), 0o755)
