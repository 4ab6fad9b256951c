/** One photo, large, and what may be answered. */
import { h } from "preact"
import { imageOf } from "../api.ts"
import type { Desk } from "../desk.ts"
import { orders } from "../desk/queue.ts"
import { listed } from "../ranking.ts"
import { isSeveral, tickedOf } from "../tagging.ts"
import type { Card, Option } from "../tagging.ts"
import { dayAndTime, likely, shown as shownValue, texts } from "../texts.ts"
import { bar, button, key, thumbnail } from "./elements.ts"

/** Next photos are in the page already, decoded and out of sight. */
const decodedAhead = 2

const stage = (desk: Desk) => {
  const { broken, tagging, zoom } = desk.state
  const [shown] = tagging.cards
  const at = (event: MouseEvent) => {
    const box = event.currentTarget instanceof Element ? event.currentTarget.getBoundingClientRect() : undefined
    if (box === undefined) return { x: 0.5, y: 0.5 }
    return { x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.height }
  }
  return h(
    "div",
    {
      class: zoom === null ? "stage" : "stage zoomed",
      onClick: (event: MouseEvent) => {
        const { x, y } = at(event)
        desk.zoomAt(x, y)
      },
      onPointerMove: (event: PointerEvent) => {
        if (desk.state.zoom === null || (event.pointerType !== "mouse" && event.buttons === 0)) return
        const { x, y } = at(event)
        desk.panTo(x, y)
      }
    },
    tagging.cards.slice(0, 1 + decodedAhead).map(({ task: { digest, name } }, place) =>
      h("img", {
        key: digest,
        src: imageOf(digest, 1024),
        alt: place === 0 ? name : "",
        class: place === 0 ? "photo" : "photo later",
        "aria-hidden": place > 0,
        draggable: false,
        // The photo is painted together with its suggestions.
        decoding: "sync",
        onError: () => desk.breaks(digest),
        style:
          place === 0 && zoom !== null
            ? { transformOrigin: `${zoom.x * 100}% ${zoom.y * 100}%`, transform: "scale(3)" }
            : {}
      })
    ),
    // The photo's own pixels are over it once they are there.
    shown !== undefined &&
      zoom !== null &&
      h("img", {
        key: `full ${shown.task.digest}`,
        src: imageOf(shown.task.digest),
        alt: "",
        class: "photo",
        draggable: false,
        style: { transformOrigin: `${zoom.x * 100}% ${zoom.y * 100}%`, transform: "scale(3)" }
      }),
    shown !== undefined && broken.has(shown.task.digest) && h("p", { class: "note over" }, texts.tag.noImage)
  )
}

/** What this photo is about: a second opinion, a dispute, a conflict; or what the page has to say of the list. */
const banner = (desk: Desk, card: Card) => {
  const { tagging } = desk.state
  const { conflict, task } = card
  const several = isSeveral(card, tagging.column)
  if (tagging.adding)
    return {
      text: several && tagging.typed === "" ? texts.tag.noneApplies : texts.tag.add(tagging.typed.trim()),
      strong: true
    }
  if (conflict !== null)
    return {
      text:
        conflict.theirs === null
          ? texts.tag.conflictHidden
          : texts.tag.conflict(conflict.theirs.operator ?? texts.tag.somebody),
      strong: true
    }
  if (task.lease.task === "second") return { text: texts.tag.second, strong: false }
  if (task.lease.task === "settle") return { text: texts.tag.settle, strong: true }
  if (task.lease.task === "correct") return { text: texts.tag.correct, strong: false }
  if (task.blind) return { text: texts.tag.blind, strong: false }
  if (task.columns[tagging.column]?.suggestions.length === 0) return { text: texts.tag.noSuggestion, strong: false }
  return { text: several ? texts.tag.severalHint : "", strong: false }
}

const whence = ({ from, operator, probability }: Option) => {
  if (from === "new") return texts.tag.isNew
  if (from === "now") return texts.tag.now
  if (from === "mine") return texts.tag.mine
  if (from === "operator") return operator ?? texts.tag.somebody
  return probability === null ? "" : likely(probability)
}

const line = (desk: Desk, option: Option, at: number) =>
  h(
    "li",
    {
      id: `option-${at}`,
      role: "option",
      key: option.label,
      "aria-selected": at === desk.state.tagging.line,
      "aria-checked": option.ticked,
      class: `option${at === desk.state.tagging.line ? " here" : ""}${option.ticked === true ? " ticked" : ""}`,
      title: option.threshold === undefined ? undefined : texts.tag.appliesFrom(likely(option.threshold)),
      onClick: () => desk.act({ do: "take", line: at })
    },
    option.probability !== null && bar(option.probability),
    at < listed ? key(String(at + 1)) : h("kbd", { class: "none" }),
    option.ticked !== undefined && h("span", { class: "tick", "aria-hidden": true }, option.ticked ? "✓" : ""),
    h("span", { class: "label", dir: "auto" }, option.label),
    h("span", { class: option.from === "model" || option.from === "name" ? "whence" : "whence tagged" }, whence(option))
  )

const columnsOf = (desk: Desk, card: Card) =>
  card.task.columns.length > 1 &&
  h(
    "ol",
    { class: "columns", "aria-label": texts.tag.columns },
    card.task.columns.map(({ column, several = false, suggestions, value }, at) => {
      const chosen = card.chosen[at]
      const here = at === desk.state.tagging.column
      const first = suggestions[0]
      const likeliest = isSeveral(card, at) ? tickedOf(card, at) : (first?.label ?? "")
      const shown = chosen === null ? texts.tag.empties : shownValue(chosen ?? value ?? likeliest)
      const settled = chosen !== undefined || value !== null
      return h(
        "li",
        {
          key: column,
          class: `column${here ? " here" : ""}${settled ? " settled" : ""}`,
          "aria-current": here,
          onClick: () => desk.toColumn(at)
        },
        h("span", { class: "name", dir: "auto" }, column),
        h("span", { class: "value", dir: "auto" }, shown),
        h("span", { class: "whence" }, settled ? "✓" : first === undefined || several ? "" : likely(first.probability))
      )
    })
  )

/** The nearest training photos of the two leading classes. */
const near = (desk: Desk, card: Card) => {
  const column = card.task.columns[desk.state.tagging.column]?.column ?? ""
  const classes = card.task.blind ? [] : desk.neighboursOf(card.task.digest, column).slice(0, 2)
  return h(
    "section",
    { class: "near", "aria-label": texts.tag.near },
    classes.map(({ images, label }) =>
      h(
        "div",
        { key: label, class: "strip" },
        h("h3", { dir: "auto" }, label),
        h(
          "div",
          null,
          images.slice(0, 6).map(({ digest, name }) => thumbnail(digest, name, 96))
        )
      )
    )
  )
}

const nothing = (desk: Desk) =>
  h(
    "div",
    { class: "nothing" },
    desk.state.empty
      ? [h("p", { class: "large" }, texts.tag.empty), h("p", { class: "quiet" }, texts.tag.emptyHint)]
      : h("p", { class: "quiet" }, texts.tag.asking)
  )

export const tag = (desk: Desk) => {
  const { order, tagging } = desk.state
  const [card] = tagging.cards
  const lines = desk.options()
  const many = (card?.task.columns.length ?? 1) > 1
  const several = isSeveral(card, tagging.column)
  const asks = several ? texts.tag.typeAnother : texts.tag.type
  const said = card === undefined ? { text: "", strong: false } : banner(desk, card)
  return h(
    "main",
    { class: many ? "tag many" : "tag" },
    card === undefined ? nothing(desk) : stage(desk),
    h(
      "div",
      { class: "side" },
      h(
        "div",
        { class: "about" },
        h("span", { class: "name", dir: "auto", title: card?.task.name }, card?.task.name ?? ""),
        h("span", { class: "quiet" }, card === undefined ? "" : dayAndTime(card.task.came)),
        h(
          "select",
          {
            "aria-label": texts.commands.names.o,
            value: order,
            onChange: (event: Event) => {
              if (!(event.currentTarget instanceof HTMLSelectElement)) return
              const { value } = event.currentTarget
              event.currentTarget.blur()
              const to = orders.find((one) => one === value)
              if (to !== undefined) void desk.setOrder(to)
            }
          },
          orders.map((one) => h("option", { key: one, value: one }, texts.orders[one]))
        )
      ),
      card !== undefined && columnsOf(desk, card),
      h("p", { class: said.strong ? "banner strong" : "banner", role: "status" }, said.text),
      h("input", {
        id: "name",
        class: tagging.asText ? "text" : "",
        type: "text",
        autocomplete: "off",
        autocapitalize: "off",
        spellcheck: false,
        enterkeyhint: "done",
        maxLength: 200,
        role: "combobox",
        "aria-expanded": lines.length > 0,
        "aria-controls": "options",
        "aria-activedescendant": lines.length === 0 ? undefined : `option-${tagging.line}`,
        "aria-label":
          card === undefined || !many ? asks : `${asks}: ${card.task.columns[tagging.column]?.column ?? ""}`,
        placeholder: tagging.asText
          ? texts.tag.typeText
          : many && card !== undefined
            ? `${asks}: ${card.task.columns[tagging.column]?.column ?? ""}`
            : asks,
        value: tagging.typed,
        onInput: (event: Event) => {
          if (event.currentTarget instanceof HTMLInputElement) desk.type(event.currentTarget.value)
        }
      }),
      h(
        "ol",
        { class: "options", id: "options", role: "listbox", "aria-label": texts.tag.type },
        lines.map((option, at) => line(desk, option, at)),
        lines.length === 0 && tagging.typed !== "" && h("li", { class: "quiet" }, texts.tag.none)
      ),
      h(
        "div",
        { class: "actions" },
        several &&
          card !== undefined &&
          button(
            desk,
            texts.tag.confirm(tickedOf(card, tagging.column).length),
            { do: "take", line: null },
            { class: "first", keyName: "⏎" }
          ),
        many && button(desk, texts.tag.all, { do: "takeAll" }, { class: "all", keyName: "⇧⏎" }),
        many && button(desk, texts.tag.left, { do: "leaveEmpty" }, { keyName: "0" }),
        button(desk, texts.tag.skip, { do: "skip" }, { keyName: "-" }),
        button(desk, texts.tag.undo, { do: "back" }, { keyName: "⌫" }),
        button(desk, texts.tag.zoom, { do: "zoom" }, { class: "zoomer", keyName: "␣" })
      ),
      card === undefined ? h("section", { class: "near" }) : near(desk, card)
    )
  )
}
