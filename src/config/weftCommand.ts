/** What stands before a command's name, by the way that this process was started. */
export type Start = "repository" | "project" | "global"

/** `file` is one of Weft's own, `program` the path by which Node was asked to start. */
export const startOf = (file: string, program: string | undefined): Start => {
  if (file.endsWith(".ts")) return "repository"
  const parts = (program ?? "").split(/[\\/]/)
  const [name, folder] = [parts.at(-1), parts.at(-2)]
  return (name === "weft" || name === "weft-ml") && folder !== ".bin" ? "global" : "project"
}

const start = startOf(import.meta.url, process.argv[1])

/** The script of a command in the repository; what installs the backend is no stage of a pipeline. */
const scriptOf = (name: string) => (name === "backend-install" ? "backend:install" : `pipeline:${name}`)

/**
 * A command line for a person to type: `train --resume` is `npx pnpm pipeline:train --resume` in the repository, and `npx
 * weft-ml train --resume` where Weft is a package. The package's own name, for npm's `weft` is another package.
 */
export const weftCommand = (line: string, from: Start = start): string => {
  const [name = "", ...rest] = line.split(" ")
  const program = { repository: `npx pnpm ${scriptOf(name)}`, project: `npx weft-ml ${name}`, global: `weft ${name}` }[
    from
  ]
  return [program, ...rest].join(" ")
}

/** How to bring packages that Weft does without: `webgpu@0.6.2`, for instance. No script of theirs needs to run. */
export const installCommand = (packages: ReadonlyArray<string>, from: Start = start): string =>
  ({
    repository: "npx pnpm install",
    project: `npm install --ignore-scripts ${packages.join(" ")}`,
    global: `npm install --global --ignore-scripts ${packages.join(" ")}`
  })[from]
