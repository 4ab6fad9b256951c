import { assert, describe, it } from "@effect/vitest"
import { globSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { installCommand, startOf, weftCommand } from "../../src/config/weftCommand.ts"

const repository = fileURLToPath(new URL("../..", import.meta.url))

describe("weftCommand", () => {
  it("is a script of the repository where Weft runs from its sources, as it does here", () => {
    assert.strictEqual(weftCommand("train --run 'a  b' --resume"), "npx pnpm pipeline:train --run 'a  b' --resume")
    assert.strictEqual(weftCommand("backend-install --gpu"), "npx pnpm backend:install --gpu")
    assert.strictEqual(installCommand(["webgpu@1.0.0"]), "npx pnpm install")
  })

  it("names the package where Weft is one, and the program where that is installed for all", () => {
    assert.strictEqual(weftCommand("train --resume", "project"), "npx weft-ml train --resume")
    assert.strictEqual(weftCommand("doctor", "global"), "weft doctor")
    assert.match(installCommand(["a@1", "b@2"], "project"), /^npm install --ignore-scripts a@1 b@2$/)
  })

  it("knows by which path it was started", () => {
    const built = "file:///app/node_modules/weft-ml/dist/config/weftCommand.js"
    assert.strictEqual(startOf("file:///weft/src/config/weftCommand.ts", "/weft/src/bin.ts"), "repository")
    for (const program of ["/app/node_modules/.bin/weft", "C:\\app\\node_modules\\weft-ml\\dist\\bin.js", undefined])
      assert.strictEqual(startOf(built, program), "project", program)
    assert.strictEqual(startOf(built, "/usr/local/bin/weft"), "global")
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
