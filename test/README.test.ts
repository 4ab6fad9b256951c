import { assert, describe, expect, it } from "@effect/vitest"
import { execFile } from "node:child_process"
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { keyTable } from "../src/config/configKeys.ts"
import { metricTable } from "../src/metrics/metricTable.ts"
import { RunConfig } from "../src/config/RunConfig.ts"

const at = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url))
const readme = readFileSync(at("README.md"), "utf8")
const example = readFileSync(at("examples/ownStage.ts"), "utf8")

/** The text with what is between two marks replaced. */
const fill = (text: string, mark: string, content: string) =>
  text.replace(
    new RegExp(`<!-- ${mark} -->[^]*<!-- /${mark} -->`),
    () => `<!-- ${mark} -->\n${content.trimEnd()}\n<!-- /${mark} -->`
  )

describe("README", () => {
  it("has the configuration's keys, the metrics and the example as the code has them (pnpm readme mends it)", async () => {
    const tables = fill(fill(readme, "keys", keyTable(RunConfig)), "metrics", metricTable())
    const whole = fill(tables, "example", `\`\`\`ts\n${example}\`\`\``)
    await expect(whole).toMatchFileSnapshot(at("README.md"))
  })

  it("links to files that are there", () => {
    const links = [...readme.matchAll(/\]\(([^)#:]+)\)/g)].map(([, link]) => link ?? "")
    assert.isNotEmpty(links)
    assert.deepStrictEqual(
      links.filter((link) => !existsSync(at(link))),
      []
    )
  })

  it("shows a stage of one's own that runs", async () => {
    const folder = mkdtempSync(join(tmpdir(), "weft-example-"))
    try {
      const output = await new Promise<string>((resolve, reject) =>
        execFile(process.execPath, [at("examples/ownStage.ts")], { cwd: folder }, (error, stdout, stderr) =>
          error === null ? resolve(stdout) : reject(new Error(stderr, { cause: error }))
        )
      )
      assert.match(output, /^\d+ classes, test accuracy 0\.\d\d\n$/)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})
