/** Retraining, what the gate says of candidates, and which model is live. */
import { h } from "preact"
import type { Verdict } from "../../../../../run/serve/gate.ts"
import type { Desk } from "../desk.ts"
import { isAdmin } from "../desk/state.ts"
import { dayAndTime, percent, point, texts } from "../texts.ts"
import { button, table } from "./elements.ts"

const t = texts.models

const verdictOf = (verdict: typeof Verdict.Type) =>
  h(
    "div",
    { class: "verdict" },
    h("p", { class: verdict.passes ? "passes" : "held" }, verdict.passes ? t.passes : t.held),
    verdict.reasons.length > 0 &&
      h(
        "ul",
        null,
        verdict.reasons.map(({ column, detail }, at) =>
          h("li", { key: at, dir: "auto" }, verdict.columns.length > 1 ? `${column}: ${detail}` : detail)
        )
      ),
    table(
      t.columns,
      verdict.columns.map(({ accuracy, blind, column, macroF1, test }) => [
        column,
        t.samples(test, blind),
        ...[accuracy, macroF1].flatMap((one) =>
          one === null
            ? ["–", "–"]
            : [
                `${percent(one.live)} → ${percent(one.candidate)}`,
                `${point(one.difference)} (${texts.progress.interval(point(one.interval.low), point(one.interval.high))})`
              ]
        )
      ])
    ),
    verdict.columns.some(({ falling }) => falling.length > 0) &&
      h(
        "ul",
        { class: "quiet" },
        verdict.columns.flatMap(({ column, falling }) =>
          falling
            .slice(0, 8)
            .map((one) =>
              h(
                "li",
                { key: `${column} ${one.label}`, dir: "auto" },
                t.falling(one.label, percent(one.live), percent(one.candidate), one.support)
              )
            )
        )
      )
  )

export const models = (desk: Desk) => {
  if (!isAdmin(desk.state)) return h("main", { class: "page" }, h("p", { class: "quiet" }, t.admins))
  const { model: at, models, retraining } = desk.state
  const goesOn =
    retraining !== null &&
    (retraining.state === "training" || retraining.state === "waiting" || retraining.state === "judging")
  const selected = models[at]
  return h(
    "main",
    { class: "page models" },
    retraining !== null &&
      h(
        "section",
        { class: "retraining" },
        h(
          "div",
          null,
          h("b", null, t.retraining[retraining.state]),
          retraining.state === "training" &&
            h("span", { class: "quiet" }, ` ${t.epoch(retraining.epoch, retraining.epochs)}`),
          h("p", { class: "quiet" }, t.answers(retraining.answers, retraining.after)),
          retraining.detail !== null && h("p", { dir: "auto" }, retraining.detail),
          retraining.state === "training" &&
            h("progress", { max: Math.max(1, retraining.epochs), value: retraining.epoch })
        ),
        h(
          "div",
          { class: "actions" },
          goesOn
            ? button(desk, t.stop, { do: "stop" }, { keyName: "X" })
            : button(desk, t.retrain, { do: "retrain" }, { class: "first", keyName: "R" }),
          button(
            desk,
            t.rollBack,
            { do: "rollBack" },
            { keyName: "B", disabled: !models.some(({ state }) => state === "former") }
          )
        )
      ),
    models.length === 0
      ? h("p", { class: "quiet" }, t.none)
      : h(
          "ol",
          { class: "entries", role: "listbox", "aria-label": texts.views.models },
          models.map(({ answers, by, model, offered, promoted, run, state }, place) =>
            h(
              "li",
              {
                key: model,
                role: "option",
                "aria-selected": place === at,
                class: place === at ? "entry here" : "entry",
                onClick: () => desk.act({ do: "move", by: place - desk.state.model })
              },
              h("span", { class: `state ${state}` }, t.states[state]),
              h(
                "span",
                { class: "what" },
                h("b", { dir: "auto", title: model }, run.split(/[\\/]/).at(-1) ?? run),
                h(
                  "span",
                  { class: "quiet" },
                  `${dayAndTime(offered)}, ${t.trainedOn(answers)}${promoted === null || by === null ? "" : `; ${t.by(by, dayAndTime(promoted))}`}`
                )
              )
            )
          )
        ),
    selected !== undefined &&
      h(
        "section",
        { class: "selected" },
        h(
          "div",
          { class: "actions" },
          button(
            desk,
            t.promote,
            { do: "promote" },
            {
              keyName: "P",
              disabled:
                selected.state !== "passed" &&
                !(selected.state === "candidate" && !models.some(({ state }) => state === "live"))
            }
          ),
          button(desk, t.force, { do: "force" }, { keyName: "F", disabled: selected.state !== "heldBack" })
        ),
        selected.verdict === null ? h("p", { class: "quiet" }, t.unjudged) : verdictOf(selected.verdict)
      ),
    h(
      "section",
      { class: "exports" },
      h("h2", null, t.exports),
      h("p", null, h("a", { href: "/v1/export.csv", download: "export.csv" }, t.exportCsv)),
      h("p", null, h("a", { href: "/v1/corrections.csv", download: "corrections.csv" }, t.correctionsCsv))
    )
  )
}
