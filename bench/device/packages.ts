import { existsSync, globSync, lstatSync, readFileSync, realpathSync } from "node:fs"
import { dirname, join, relative } from "node:path"

/** What no program reads: types, maps to sources, other bundles of TensorFlow.js, other machines' Dawn. */
const needless: ReadonlyArray<readonly [package_: RegExp, file: RegExp]> = [
  [/./, /\.(map|md|markdown|tsbuildinfo|d\.[cm]?ts)$/],
  [/^@types\//, /./],
  [/^@tensorflow\//, /^(?!package\.json$|LICENSE|dist\/[^/]*\.(node\.js|wasm|cjs)$|wasm-out\/)/],
  [/^webgpu$/, /^(build\/|dist\/(?!linux-x64\/))/],
  [/^effect$/, /^(src|ai-docs)\//]
]

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
}

const readManifest = (folder: string) => JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest // npm refuses other manifests

/** Where Node finds a package that a file in `folder` imports: a folder, or a link to one. */
const findPackage = (folder: string, name: string): string | undefined => {
  const here = join(folder, "node_modules", name)
  if (existsSync(here)) return here
  const above = dirname(folder)
  return above === folder ? undefined : findPackage(above, name)
}

/** The installed packages that `names` need, all in all: their files, and the links by which Node finds them. */
export const packagesOf = (root: string, names: ReadonlyArray<string>): ReadonlyArray<string> => {
  const folders = new Set<string>()
  const paths = new Set<string>()
  const visit = (from: string, name: string): void => {
    const found = findPackage(from, name)
    if (found === undefined) return // a peer or an optional package that nobody installed
    if (lstatSync(found).isSymbolicLink()) paths.add(relative(root, found))
    const folder = realpathSync(found)
    if (folders.has(folder)) return
    folders.add(folder)
    for (const file of globSync("**/*", { cwd: folder, exclude: ["node_modules"] }))
      if (
        !needless.some(([packages, files]) => packages.test(name) && files.test(file)) &&
        lstatSync(join(folder, file)).isFile()
      )
        paths.add(relative(root, join(folder, file)))
    const { dependencies, optionalDependencies, peerDependencies } = readManifest(folder)
    for (const needed of Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies }))
      visit(folder, needed)
  }
  for (const name of names) visit(root, name)
  return [...paths]
}
