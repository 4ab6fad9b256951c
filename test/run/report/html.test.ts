import { assert, describe, it } from "@effect/vitest"
import { inMarkdown } from "../../../src/run/report/modelCard.ts"
import { escape, html, raw } from "../../../src/run/report/html.ts"
import { isLocalPicture } from "../../../src/run/report/picture.ts"

describe("html", () => {
  it("escapes what it is given, between tags and in attributes, and keeps its own markup", () => {
    const hostile = `"><script>alert('1')</script>&`
    const { markup } = html`<b title="${hostile}">${hostile}${[html`<i>${hostile}</i>`, 3, undefined, false]}</b>`
    assert.strictEqual(markup, `<b title="${escape(hostile)}">${escape(hostile)}<i>${escape(hostile)}</i>3</b>`)
    assert.strictEqual(escape(hostile), "&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;")
    assert.strictEqual(html`${raw("<hr>")}`.markup, "<hr>")
  })

  it("lets pictures be pictures only", () => {
    assert.isTrue(isLocalPicture("data:image/webp;base64,UklGRg=="))
    for (const address of [
      "https://example.org/a.webp",
      "data:image/svg+xml;base64,AAAA",
      `data:image/webp;base64,AA" onerror="alert(1)`,
      "data:text/html;base64,AAAA"
    ])
      assert.isFalse(isLocalPicture(address), address)
  })

  it("keeps labels from being Markdown", () => {
    assert.strictEqual(inMarkdown("a|b\n# <b>*c*"), "a\\|b \\# &lt;b&gt;\\*c\\*")
  })
})
