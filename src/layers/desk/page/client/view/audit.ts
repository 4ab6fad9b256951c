/** What may be wrong, and is mended here. */
import { h } from "preact"
import { imageOf } from "../api.ts"
import type { Desk } from "../desk.ts"
import { holds, lists } from "../desk/audit.ts"
import { dayAndTime, likely, shown, texts } from "../texts.ts"
import { sameValue } from "../value.ts"
import { button, key, thumbnail } from "./elements.ts"

export const audit = (desk: Desk) => {
  const { entries, entry: at, list, listAsking, log } = desk.state
  const entry = entries[at]
  return h(
    "main",
    { class: "audit" },
    h(
      "div",
      { class: "left" },
      h(
        "ol",
        { class: "tabs" },
        lists.map((one, place) =>
          h(
            "li",
            { key: one },
            button(
              desk,
              texts.lists[one],
              { do: "list", list: place, by: 0 },
              { class: one === list ? "here" : "", keyName: String(place + 1) }
            )
          )
        )
      ),
      h("p", { class: "quiet hint" }, texts.listHints[list]),
      h(
        "ol",
        { class: "entries", role: "listbox", "aria-label": texts.lists[list] },
        entries.map((one, place) =>
          h(
            "li",
            {
              key: `${one.item.digest} ${one.column}`,
              role: "option",
              "aria-selected": place === at,
              class: place === at ? "entry here" : "entry",
              onClick: () => desk.select(place)
            },
            thumbnail(one.item.digest, "", 96),
            h(
              "span",
              { class: "what" },
              h(
                "span",
                { class: "change" },
                h("b", { dir: "auto" }, shown(holds(one), texts.audit.nothingHere)),
                one.other !== null &&
                  !sameValue(one.other, holds(one)) && [
                    h("span", { class: "quiet" }, " → "),
                    h("b", { dir: "auto" }, shown(one.other))
                  ]
              ),
              h("span", { class: "quiet", dir: "auto" }, one.item.name)
            ),
            h("span", { class: "whence" }, one.probability > 0 ? likely(one.probability) : "")
          )
        ),
        entries.length === 0 && h("li", { class: "quiet" }, listAsking ? texts.tag.asking : texts.audit.empty)
      )
    ),
    h(
      "div",
      { class: "detail" },
      entry !== undefined && [
        h(
          "div",
          { class: "stage", key: "stage" },
          h("img", {
            key: entry.item.digest,
            class: "photo",
            src: imageOf(entry.item.digest, 1024),
            alt: entry.item.name,
            draggable: false
          })
        ),
        h(
          "div",
          { class: "facts", key: "facts" },
          h(
            "dl",
            null,
            h("dt", { dir: "auto" }, entry.column),
            h(
              "dd",
              null,
              h("b", { dir: "auto" }, shown(holds(entry), texts.audit.nothingHere)),
              entry.item.answer?.operator != null &&
                h("span", { class: "quiet" }, `  ${entry.item.answer.operator}, ${dayAndTime(entry.item.answer.at)}`)
            ),
            entry.other !== null && [
              h("dt", null, texts.audit.others[list]),
              h(
                "dd",
                null,
                h("b", { dir: "auto" }, shown(entry.other)),
                entry.probability > 0 && h("span", { class: "quiet" }, `  ${likely(entry.probability)}`)
              )
            ],
            entry.item.rows.length > 0 && [
              h("dt", null, texts.audit.rows),
              h(
                "dd",
                null,
                entry.item.rows.map(({ id, values }) =>
                  h(
                    "div",
                    { key: id, dir: "auto" },
                    `${id}: ${values.map(({ column, value }) => `${column} ${shown(value)}`).join(", ")}`
                  )
                )
              )
            ]
          ),
          h(
            "div",
            { class: "actions" },
            entry.other !== null &&
              !sameValue(entry.other, holds(entry)) &&
              button(
                desk,
                texts.audit.takeOther(shown(entry.other)),
                { do: "takeOther" },
                { class: "first", keyName: "x" }
              ),
            holds(entry) !== null && button(desk, texts.audit.keep, { do: "keep" }, { keyName: "k" }),
            button(desk, texts.audit.open, { do: "open" }, { keyName: "⏎" }),
            button(desk, texts.audit.askSecond, { do: "askSecond" }, { keyName: "w" }),
            button(desk, texts.audit.putBack, { do: "putBack" }, { keyName: "r" }),
            button(desk, texts.tag.undo, { do: "undo" }, { keyName: "⌫" })
          ),
          h("h3", null, texts.audit.log),
          log === null || log.lines.length === 0
            ? h("p", { class: "quiet" }, texts.audit.noLog)
            : h(
                "ol",
                { class: "log" },
                log.lines.map((one) =>
                  h(
                    "li",
                    { key: one.entry },
                    h("time", null, dayAndTime(one.at)),
                    h("span", { dir: "auto" }, `${one.operator} ${texts.actions[one.action]}`),
                    h("span", { dir: "auto" }, `${one.column}: ${shown(one.from)} → ${shown(one.to)}`),
                    h(
                      "span",
                      { class: "quiet" },
                      one.probability === null || one.suggested === null
                        ? ""
                        : `${shown(one.suggested)} ${likely(one.probability)}`
                    )
                  )
                )
              )
        )
      ]
    ),
    h("p", { class: "quiet keysLine" }, key("↑"), key("↓"))
  )
}
