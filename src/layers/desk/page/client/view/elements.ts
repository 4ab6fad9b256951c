/** Small parts that several views are made of. Texts go in as children, never as markup. */
import { h } from "preact"
import type { ComponentChildren } from "preact"
import { imageOf } from "../api.ts"
import type { Desk } from "../desk.ts"

/** A key as it looks on a keyboard. */
export const key = (name: string) => h("kbd", null, name)

/** A button that says its key; the mouse does not move the focus, so that keys go on working. */
export const button = (
  desk: Desk,
  text: ComponentChildren,
  act: Parameters<Desk["act"]>[0] | (() => void),
  {
    class: kind = "",
    disabled = false,
    keyName
  }: { readonly class?: string; readonly disabled?: boolean; readonly keyName?: string } = {}
) =>
  h(
    "button",
    { type: "button", class: kind, disabled, onClick: () => (typeof act === "function" ? act() : desk.act(act)) },
    text,
    keyName !== undefined && key(keyName)
  )

/** A small photo. The name is for those who cannot see it, and while it loads. */
export const thumbnail = (digest: string, name: string, size: 96 | 192 | 384) =>
  h("img", {
    key: digest,
    class: "thumbnail",
    src: imageOf(digest, size),
    alt: name,
    decoding: "async",
    draggable: false
  })

/** A share as a bar. */
export const bar = (share: number) => h("span", { class: "bar", style: { width: `${(share * 100).toFixed(1)}%` } })

export const table = (heads: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<ComponentChildren>>, kind = "") =>
  h(
    "div",
    { class: "scroll" },
    h(
      "table",
      { class: kind },
      h(
        "thead",
        null,
        h(
          "tr",
          null,
          heads.map((head) => h("th", { scope: "col" }, head))
        )
      ),
      h(
        "tbody",
        null,
        rows.map((cells) =>
          h(
            "tr",
            null,
            cells.map((cell) => h("td", null, cell))
          )
        )
      )
    )
  )
