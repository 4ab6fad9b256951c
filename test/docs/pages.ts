import { existsSync, globSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"

/** A path of the repository. */
export const at = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url))

/** A fenced block of a page, and what the comments before it say of it. */
export interface Block {
  readonly page: string
  readonly line: number
  readonly language: string
  readonly text: string
  /** `<!-- file: NAME -->`: the file that the block is. */
  readonly file: string | undefined
  /** `<!-- set: KEY=VALUE … -->`: the settings of the page's commands from there on, so that they are quick. */
  readonly sets: ReadonlyArray<string>
  /** `# not tested: REASON` on the block's first line, or `<!-- not tested: REASON -->` before it. */
  readonly untested: string | undefined
}

/** Every page that people read: its path in the repository. */
export const pages: ReadonlyArray<string> = [
  "README.md",
  "CONTRIBUTING.md",
  ...globSync("docs/**/*.md", { cwd: at("."), exclude: ["docs/api/**"] }).sort()
]

export const textOf = (page: string) => readFileSync(at(page), "utf8")

/** The blocks of a page, in its order. */
export const blocksOf = (page: string): ReadonlyArray<Block> => {
  const blocks: Array<Block> = []
  const lines = textOf(page).split("\n")
  let sets: ReadonlyArray<string> = []
  let file: string | undefined
  let excuse: string | undefined
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? ""
    const [, key, value = ""] = /^<!-- (set|file|not tested): (.*?) *-->$/.exec(line) ?? []
    if (key === "set") sets = value.split(/\s+/).filter((one) => one !== "")
    if (key === "file") file = value
    if (key === "not tested") excuse = value
    const [, fence, language = ""] = /^(```+)(\w*)/.exec(line) ?? []
    if (fence === undefined) continue
    const end = lines.indexOf(fence, at + 1)
    if (end < 0) throw new Error(`${page}:${at + 1}: the block has no end`)
    const inner = lines.slice(at + 1, end)
    const [, untested = excuse] = /^(?:#|\/\/) not tested: (.*)$/.exec(inner[0] ?? "") ?? []
    blocks.push({ page, line: at + 1, language, text: `${inner.join("\n")}\n`, file, sets, untested })
    file = undefined
    excuse = undefined
    at = end
  }
  return blocks
}

/** The heading's address on GitHub: `## A stage of your own` is `#a-stage-of-your-own`. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replaceAll(/[`*]|[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-")

const withoutBlocks = (text: string) => text.replaceAll(/^```[^]*?^```$/gm, "")

const anchorsOf = (page: string) =>
  new Set([...withoutBlocks(textOf(page)).matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) => anchorOf(heading)))

/** The links and pictures of a page that lead to nothing: files that are not there, and headings that a page lacks. */
export const deadLinks = (page: string): ReadonlyArray<string> =>
  [...withoutBlocks(textOf(page)).matchAll(/(?:\]\(|src="|href=")([^)"\s]+)[)"]/g)].flatMap(([, link = ""]) => {
    if (/^[a-z]+:/.test(link)) return []
    const [path = "", anchor] = link.split("#")
    const target = path === "" ? page : fileURLToPath(new URL(path, `file:///${page}`)).slice(1)
    const isThere = existsSync(at(target)) && (anchor === undefined || anchorsOf(target).has(anchor))
    return isThere ? [] : [`${page}: ${link}`]
  })
