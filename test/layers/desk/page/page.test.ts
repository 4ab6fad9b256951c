import { assert, describe, it } from "@effect/vitest"
import { posix } from "node:path"
import { contentSecurityPolicy, deskPage } from "../../../../src/layers/desk/page/page.ts"

const text = (path: string) => new TextDecoder().decode(deskPage.files.get(path)?.bytes)

describe("the page's files", () => {
  it("have nothing inline, and ask for nothing from elsewhere", () => {
    const markup = text("/")
    assert.notMatch(markup, /<style|style=|\son[a-z]+=|<script(?![^>]*src=)/i)
    for (const [, path = ""] of markup.matchAll(/(?:href|src)="([^"]+)"/g))
      assert.isTrue(deskPage.files.has(path), path)
    for (const path of deskPage.files.keys())
      assert.notMatch(text(path).replaceAll("http://www.w3.org/", ""), /https?:\/\/(?!127)/, path)
  })
  it("import each other by paths that are there", () => {
    for (const [path, { type }] of deskPage.files) {
      if (!type.startsWith("text/javascript")) continue
      for (const [, name = ""] of text(path).matchAll(/(?:^|[\s}])from\s*"([^"]+)"/g))
        assert.isTrue(deskPage.files.has(posix.join(posix.dirname(path), name)), `${path}: ${name}`)
    }
  })
  it("turn no text into markup or code", () => {
    for (const [path, { type }] of deskPage.files) {
      if (!type.startsWith("text/javascript") || path.endsWith("preact.js")) continue
      assert.notMatch(
        text(path),
        /innerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|javascript:/,
        path
      )
    }
    for (const rule of ["default-src 'none'", "script-src 'self'", "style-src 'self'", "trusted-types 'none'"])
      assert.include(contentSecurityPolicy, rule)
    assert.notMatch(contentSecurityPolicy, /unsafe/)
  })
})
