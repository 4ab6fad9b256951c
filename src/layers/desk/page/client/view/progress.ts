/** How far the desk is, who did what, and what can honestly be said of people and model. */
import { h } from "preact"
import type { ComponentChildren } from "preact"
import type { Rate } from "../../../../../run/serve/DeskMetrics.ts"
import type { Desk } from "../desk.ts"
import { hour, number, percent, point, texts } from "../texts.ts"
import { table } from "./elements.ts"

const t = texts.progress

const rate = ({ hits, interval, of, share }: Rate): ComponentChildren =>
  share === null
    ? t.none
    : [
        h("b", { key: "share" }, percent(share)),
        interval !== null &&
          h(
            "span",
            { key: "interval", class: "quiet" },
            ` ${t.interval(percent(interval.low), percent(interval.high))}`
          ),
        h("small", { key: "of", class: "quiet" }, t.of(hits, of))
      ]

export const progress = (desk: Desk) => {
  const { honesty, progress } = desk.state
  if (progress === null) return h("main", { class: "page" }, h("p", { class: "quiet" }, texts.tag.asking))
  const states = [
    ["answered", progress.answered, t.done],
    ["labelled", progress.labelled, t.labelled],
    ["skipped", progress.skipped, t.skipped],
    ["open", progress.open, t.open]
  ] as const
  return h(
    "main",
    { class: "page" },
    h(
      "div",
      {
        class: "stack",
        role: "img",
        "aria-label": states.map(([, count, name]) => `${number(count)} ${name}`).join(", ")
      },
      states.map(([state, count]) => h("span", { key: state, class: state, style: { flexGrow: count } }))
    ),
    h(
      "dl",
      { class: "counts" },
      states.map(([state, count, name]) =>
        h("div", { key: state, class: state }, h("dt", null, name), h("dd", null, number(count)))
      ),
      (
        [
          [progress.leased, t.leased],
          [progress.wanted, t.wanted],
          [progress.disputed, t.disputed]
        ] as const
      ).map(([count, name]) => h("div", { key: name }, h("dt", null, name), h("dd", null, number(count))))
    ),
    h("h2", null, t.operators),
    progress.operators.length === 0
      ? h("p", { class: "quiet" }, t.nobody)
      : table(
          t.columns,
          progress.operators.map((one) => [
            h("span", { dir: "auto" }, one.operator),
            number(one.answers),
            number(one.skips),
            number(one.undos),
            hour(one.hours),
            one.perHour === null ? t.none : number(one.perHour),
            rate(one.agreement),
            rate(one.seconded)
          ])
        ),
    h("h2", null, t.honesty),
    h("p", { class: "quiet" }, t.honestyHint),
    table(
      t.honestyColumns,
      honesty.map((one) => [
        h("span", { dir: "auto" }, one.column),
        rate(one.model),
        rate(one.shown),
        one.bias === null
          ? t.none
          : [
              h("b", { key: "difference" }, point(one.bias.difference)),
              h(
                "span",
                { key: "interval", class: "quiet" },
                ` ${t.interval(point(one.bias.interval.low), point(one.bias.interval.high))}`
              )
            ],
        rate(one.peopleBlind),
        rate(one.peopleShown)
      ])
    )
  )
}
