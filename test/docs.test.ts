import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { existsSync, globSync, statSync } from "node:fs"
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import manifest from "../package.json" with { type: "json" }
import { commands } from "../src/cli/weft.ts"
import { at, blocksOf, deadLinks, pages, textOf } from "./docs/pages.ts"
import type { Block } from "./docs/pages.ts"
import { drawPhotos, run, workplace } from "./docs/workplace.ts"

const all = pages.flatMap(blocksOf)
const isRun = ({ language, untested }: Block) => language === "sh" && untested === undefined
const typescript = all.filter(({ language, untested }) => language === "ts" && untested === undefined)

let photos: string
let folders: ReadonlyMap<string, string>

const writeFiles = async (page: string, folder: string) => {
  for (const { file, text } of blocksOf(page)) {
    if (file === undefined) continue
    await mkdir(dirname(join(folder, file)), { recursive: true })
    await writeFile(join(folder, file), text)
  }
}

beforeAll(async () => {
  photos = await mkdtemp(join(tmpdir(), "weft-docs-photos-"))
  await drawPhotos(photos)
  const made = new Map<string, string>()
  for (const page of pages) {
    const folder = await workplace(photos)
    await writeFiles(page, folder)
    made.set(page, folder)
  }
  folders = made
})
afterAll(() =>
  Promise.all([photos, ...(folders?.values() ?? [])].map((folder) => rm(folder, { recursive: true, force: true })))
)

const folderOf = (page: string): string => {
  const folder = folders.get(page)
  if (folder === undefined) throw new Error(`${page} has no folder`)
  return folder
}

describe.concurrent("the pages' commands", { timeout: 600_000 }, () => {
  for (const page of pages.filter((page) => blocksOf(page).some(isRun)))
    it(`of ${page} do what a reader expects`, async () => {
      const folder = folderOf(page)
      for (const block of blocksOf(page).filter(isRun))
        await run(folder, "bash", ["-euo", "pipefail", "-c", block.text], block.sets).catch((error: Error) => {
          throw new Error(`${page}:${block.line}\n${block.text}\n${error.message}`, { cause: error })
        })
    })
})

describe("the pages' programs", () => {
  it("are files, so that they are run by a command of their page", () => {
    assert.isNotEmpty(typescript)
    for (const { file, line, page } of typescript) {
      assert.isDefined(file, `${page}:${line} has no comment <!-- file: NAME.ts --> before it`)
      const commands = blocksOf(page).filter(isRun)
      assert.isTrue(
        commands.some(({ text }) => text.includes(`node ${file}`) || text.includes(`${file}`)),
        `no command of ${page} runs ${file}`
      )
    }
  })

  it("have no error of types", async () => {
    const folder = folderOf("README.md")
    const paths = { "weft-ml": [at("src/public/weft.ts")], "weft-ml/*": [at("src/public/*.ts")] }
    const files = typescript.map(({ file, page }) => join(folderOf(page), file ?? ""))
    const config = join(folder, "tsconfig.json")
    await writeFile(
      config,
      JSON.stringify({
        extends: at("tsconfig.json"),
        compilerOptions: { paths, plugins: [], typeRoots: [at("node_modules/@types")] },
        files,
        include: [at("src")] // where modules add to others' types
      })
    )
    await run(folder, at("node_modules/.bin/tsc"), ["--noEmit", "--project", config])
  })

  it("that the repository has among its examples are those", async () => {
    for (const { file, page, text } of all)
      if (file?.startsWith("examples/")) assert.strictEqual(text, textOf(file), `${file} is not as ${page} shows it`)
  })
})

describe("the pages", () => {
  it("lead to files and headings that are there", () => assert.deepStrictEqual(pages.flatMap(deadLinks), []))

  it("name files of the repository that are there", () => {
    const named = pages.flatMap((page) =>
      [...textOf(page).matchAll(/`((?:src|test|configs|examples|bench)\/[^`\s*…]*)`/g)].map(([, path = ""]) => ({
        page,
        path
      }))
    )
    assert.isNotEmpty(named)
    for (const { page, path } of named)
      assert.isTrue(existsSync(at(path.replace(/\/NAME.*/, ""))), `${page} names ${path}, which is not there`)
  })

  it("have a test for each block, but for those that cannot be run here", () => {
    const untested = all.flatMap(({ page, untested }) => (untested === undefined ? [] : [`${page}: ${untested}`]))
    assert.deepStrictEqual(untested, [
      "README.md: the package's own test installs it from a registry",
      "README.md: it is what runs these tests",
      "CONTRIBUTING.md: it is what runs these tests",
      "CONTRIBUTING.md: they write files of the repository",
      "docs/export.md: its loss is measured on validation photos, of which this page's test has five",
      "docs/export.md: needs onnxruntime in Python; test/examples.test.ts runs it where it is",
      "docs/machines.md: fetches 270 MB and compiles",
      "docs/machines.md: fetches libraries from Debian, and takes minutes to compress",
      "docs/machines.md: needs Docker",
      "docs/machines.md: needs a PostgreSQL; test/cli/cluster.test.ts runs these commands with one",
      "docs/scale.md: needs a PostgreSQL; test/cli/predictShards.test.ts runs these commands with one",
      "docs/serving.md: it runs until it is stopped",
      "docs/serving.md: it needs a running server",
      "docs/serving.md: it runs until it is stopped",
      "docs/serving.md: it runs until it is stopped",
      "docs/transfer.md: fetches weights from Hugging Face",
      "docs/transfer.md: fetches weights from Hugging Face",
      "docs/transfer.md: fetches weights from Hugging Face",
      "docs/tutorial.md: the package's own test installs it from a registry",
      "docs/tutorial.md: opens a browser",
      "docs/tutorial.md: fetches weights from Hugging Face",
      "docs/tutorial.md: needs a run that was interrupted",
      "docs/tutorial.md: changes the installed packages"
    ])
  })

  it("have blocks of no other language than those that are tested, and outputs", () => {
    const languages = new Set(all.map(({ language }) => language))
    assert.deepStrictEqual([...languages].sort(), ["js", "python", "sh", "text", "toml", "ts"])
    for (const { file, language, line, page } of all)
      if (language !== "sh" && language !== "text")
        assert.isDefined(file, `${page}:${line} has no comment <!-- file: NAME --> before it`)
  })

  it("show pictures that are small", () => {
    const pictures = globSync("docs/**/*.{png,jpg,svg,gif}", { cwd: at("."), exclude: ["docs/api/**"] })
    assert.deepStrictEqual(
      pictures.filter((picture) => statSync(at(picture)).size > 200_000),
      []
    )
  })

  it("are short where they are read first", () => {
    assert.isAtMost(textOf("README.md").split("\n").length, 160)
  })

  it("name packages in the versions that Weft was written for", () => {
    const versions: Readonly<Record<string, string>> = manifest.peerDependencies
    const named = pages.flatMap((page) => [...textOf(page).matchAll(/(@?[a-z][a-z/-]+)@\^?(\d[\d.]*\d)/g)])
    const ours = named.filter(([, name = ""]) => name in versions)
    assert.isNotEmpty(ours)
    for (const [text, name = "", version] of ours) assert.strictEqual(version, versions[name]?.replace("^", ""), text)
  })

  it("name commands that there are", () => {
    const known = new Set<string>(commands.map(({ name }) => name))
    for (const page of pages)
      for (const [, name = ""] of textOf(page).matchAll(/(?:weft-ml|pipeline:)(?: |(?<=:))([a-z][a-z-]+)/g))
        assert.isTrue(known.has(name), `${page} names a command ${name}`)
  })
})
