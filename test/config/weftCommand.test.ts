import { assert, describe, it } from "@effect/vitest"
import { globSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { startOf, weftCommand } from "../../src/config/weftCommand.ts"

const repository = fileURLToPath(new URL("../..", import.meta.url))

describe("weftCommand", () => {
  it("is a script of the repository where Weft runs from its sources, as it does here", () => {
    assert.strictEqual(weftCommand("train --run 'a  b' --resume"), "npx pnpm pipeline:train --run 'a  b' --resume")
    assert.strictEqual(weftCommand("backend-install --gpu"), "npx pnpm backend:install --gpu")
  })

  it("names the package where Weft is one, and the program where that is installed for all", () => {
    assert.strictEqual(weftCommand("train --resume", "project"), "npx weft-ml train --resume")
    assert.strictEqual(weftCommand("doctor", "everywhere"), "weft doctor")
  })

  it("knows where it lies", () => {
    const built = "weft-ml/dist/config/weftCommand.js"
    assert.strictEqual(startOf("file:///weft/src/config/weftCommand.ts"), "repository")
    assert.strictEqual(startOf(`file:///app/node_modules/${built}`), "project")
    assert.strictEqual(startOf(`file:///home/me/.npm/_npx/0a1b/node_modules/${built}`), "project")
    assert.strictEqual(startOf(`file:///app/node_modules/.pnpm/weft-ml@0.1.0/node_modules/${built}`), "project")
    assert.strictEqual(startOf(`file:///usr/local/lib/node_modules/${built}`), "everywhere")
  })
})

it("no text leads to npm's `weft`, which is another package", () => {
  const files = globSync(["src/**/*", "configs/**/*.toml", "docs/**/*.md", "examples/*", "*.md", "Dockerfile"], {
    cwd: repository,
    withFileTypes: true
  })
  for (const file of files) {
    if (!file.isFile()) continue
    const path = join(file.parentPath, file.name)
    assert.notMatch(
      readFileSync(path, "utf8"),
      /(?:npx|dlx|npm (?:i|install|exec)|pnpm add) (?:-\S+ )*weft(?![-\w])/,
      path
    )
  }
})
