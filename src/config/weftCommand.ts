/** What stands before a command's name: where Weft lies says by what it is started. */
export type Start = "repository" | "project" | "everywhere"

/** `file` is one of Weft's own. */
export const startOf = (file: string): Start =>
  file.endsWith(".ts") ? "repository" : /\/lib\/node_modules\/weft-ml\//.test(file) ? "everywhere" : "project"

/** How this Weft is started. */
export const start = startOf(import.meta.url)

/** The script of a command in the repository; what installs the backend is no stage of a pipeline. */
const scriptOf = (name: string) => (name === "backend-install" ? "backend:install" : `pipeline:${name}`)

/**
 * A command line for a person to type: `train --resume` is `npx pnpm pipeline:train --resume` in the repository, `npx weft-ml
 * train --resume` where Weft is a package of a project or is fetched by npx, and `weft train --resume` where it is installed
 * for the whole machine. npx is given the package's own name: npm's `weft` is another package.
 */
export const weftCommand = (line: string, from: Start = start): string => {
  const [name = "", ...rest] = line.split(" ")
  const programs = {
    repository: `npx pnpm ${scriptOf(name)}`,
    project: `npx weft-ml ${name}`,
    everywhere: `weft ${name}`
  }
  return [programs[from], ...rest].join(" ")
}
