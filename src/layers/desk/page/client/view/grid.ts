/** Photos of one predicted class, confirmed by one key. */
import { h } from "preact"
import type { Desk } from "../desk.ts"
import { gridKeys, gridRows } from "../keys.ts"
import { listed } from "../ranking.ts"
import { likely, texts } from "../texts.ts"
import { button, key, thumbnail } from "./elements.ts"

const choose = (desk: Desk) => {
  const { facts, gridColumn, gridLine, gridTyped } = desk.state
  const columns = facts?.columns ?? []
  const classes = desk.gridChoice()
  return h(
    "main",
    { class: "choose" },
    columns.length > 1 &&
      h(
        "ol",
        { class: "tabs" },
        columns.map((column, at) =>
          h(
            "li",
            { key: column },
            button(desk, column, () => desk.toColumn(at), { class: at === gridColumn ? "here" : "" })
          )
        )
      ),
    h("input", {
      id: "name",
      type: "text",
      autocomplete: "off",
      spellcheck: false,
      enterkeyhint: "go",
      role: "combobox",
      "aria-expanded": classes.length > 0,
      "aria-controls": "options",
      "aria-activedescendant": `option-${gridLine}`,
      "aria-label": texts.grid.choose,
      placeholder: texts.grid.choose,
      value: gridTyped,
      onInput: (event: Event) => {
        if (event.currentTarget instanceof HTMLInputElement) desk.type(event.currentTarget.value)
      }
    }),
    classes.length === 0
      ? h("p", { class: "quiet" }, gridTyped === "" ? texts.grid.none : texts.tag.none)
      : h(
          "ol",
          { class: "options classes", id: "options", role: "listbox", "aria-label": texts.grid.choose },
          classes.map(({ label, predicted }, at) =>
            h(
              "li",
              {
                key: label,
                id: `option-${at}`,
                role: "option",
                "aria-selected": at === gridLine,
                class: at === gridLine ? "option here" : "option",
                onClick: () => desk.act({ do: "take", line: at })
              },
              at < listed ? key(String(at + 1)) : h("kbd", { class: "none" }),
              h("span", { class: "label", dir: "auto" }, label),
              h("span", { class: "whence" }, texts.grid.open(predicted))
            )
          )
        )
  )
}

export const grid = (desk: Desk) => {
  const { grid, gridAsking } = desk.state
  if (grid === null) return choose(desk)
  const { column, cursor, gone, label, shown, wrong } = grid
  const right = shown.filter(({ digest }) => !wrong.has(digest) && !gone.has(digest)).length
  let start = 0
  return h(
    "main",
    { class: "photos" },
    h(
      "div",
      { class: "gridHead" },
      h("h1", { dir: "auto" }, texts.grid.head(label)),
      h("p", { class: "quiet keys" }, texts.grid.hint),
      h("p", { class: "quiet touch" }, texts.grid.touch)
    ),
    shown.length === 0
      ? h(
          "div",
          { class: "nothing" },
          h("p", { class: "quiet" }, gridAsking ? texts.grid.loading : texts.grid.done(label))
        )
      : h(
          "div",
          { class: "rows", role: "group", "aria-label": texts.grid.head(label) },
          gridRows.map((row, rowAt) => {
            const from = start
            start += row.length
            return h(
              "div",
              { key: rowAt, class: "row" },
              shown.slice(from, from + row.length).map(({ columns, digest, name }, inRow) => {
                const at = from + inRow
                const probability = columns
                  .find((one) => one.column === column)
                  ?.suggestions.find((one) => one.label === label)?.probability
                const isWrong = wrong.has(digest)
                const isGone = gone.has(digest)
                return h(
                  "button",
                  {
                    key: digest,
                    type: "button",
                    tabIndex: -1,
                    disabled: isGone,
                    "aria-pressed": isWrong,
                    "aria-label": name,
                    title: name,
                    class: `cell${isWrong ? " wrong" : ""}${isGone ? " gone" : ""}${at === cursor ? " here" : ""}`,
                    onClick: () => desk.act({ do: "mark", cell: at })
                  },
                  thumbnail(digest, "", 192),
                  h(
                    "span",
                    { class: "foot" },
                    key(gridKeys[at] ?? ""),
                    h("span", null, probability === undefined ? "" : likely(probability))
                  )
                )
              })
            )
          })
        ),
    h(
      "div",
      { class: "actions bottom" },
      button(
        desk,
        texts.grid.confirm(right),
        { do: "confirmAll" },
        { class: "first", disabled: right === 0, keyName: "⏎" }
      ),
      button(desk, texts.tag.undo, { do: "undo" }, { keyName: "⌫" }),
      button(desk, texts.grid.other, { do: "otherClass" }, { keyName: "/" })
    ),
    // The next page's photos are there before they are looked at.
    h(
      "div",
      { class: "later", "aria-hidden": true },
      grid.ahead.slice(0, gridKeys.length).map(({ digest }) => thumbnail(digest, "", 192))
    )
  )
}
