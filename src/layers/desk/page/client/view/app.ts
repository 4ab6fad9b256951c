/** The whole page by its state. */
import { Fragment, h } from "preact"
import type { Desk } from "../desk.ts"
import { isAdmin } from "../desk/state.ts"
import type { Notice } from "../desk/state.ts"
import { letters, views } from "../keys.ts"
import { number, texts } from "../texts.ts"
import { audit } from "./audit.ts"
import { button, key } from "./elements.ts"
import { grid } from "./grid.ts"
import { models } from "./models.ts"
import { progress } from "./progress.ts"
import { tag } from "./tag.ts"

const viewKeys = { tag: "t", grid: "g", audit: "a", progress: "p", models: "m" } as const

/** How the answers on their way stand; it has its place always. */
const saved = (desk: Desk) => {
  const { facts, kept, waiting } = desk.state
  const mine = waiting.filter(({ because, operator }) => operator === facts?.operator.name && because !== "asked")
  const offline = mine.some(({ because }) => because === "connection")
  const text = offline
    ? texts.header.offline(mine.length)
    : mine.length > 0
      ? texts.header.sending(mine.length)
      : texts.header.saved
  return h(
    "button",
    {
      type: "button",
      class: `saved ${offline ? "offline" : mine.length > 0 ? "sending" : "all"}`,
      title: text,
      "aria-label": text,
      onClick: () => desk.resend()
    },
    h("i", null),
    h("span", null, mine.length > 0 ? number(mine.length) : ""),
    !kept && mine.length > 0 && h("span", { class: "strong" }, texts.header.notKept)
  )
}

const header = (desk: Desk) => {
  const { facts, progress, rate, view } = desk.state
  const me = progress?.operators.find(({ operator }) => operator === facts?.operator.name)
  return h(
    "header",
    null,
    h(
      "nav",
      null,
      views
        .filter((one) => one !== "models" || isAdmin(desk.state))
        .map((one) =>
          h(
            "button",
            {
              key: one,
              type: "button",
              class: one === view ? "here" : "",
              "aria-current": one === view ? "page" : undefined,
              onClick: () => desk.act({ do: "view", view: one })
            },
            texts.views[one],
            key(viewKeys[one])
          )
        )
    ),
    h(
      "div",
      { class: "facts" },
      h("span", { class: "count" }, progress === null ? "" : texts.header.open(progress.open)),
      h("span", { class: "count rate", title: texts.header.rateTitle }, rate === null ? "" : texts.header.rate(rate)),
      h(
        "span",
        { class: "count agreement" },
        me?.agreement.share == null ? "" : texts.header.agreement(me.agreement.share)
      ),
      facts !== null && facts.model === null && h("span", { class: "count" }, texts.header.noModel),
      saved(desk),
      h("span", { class: "operator", dir: "auto" }, facts?.operator.name ?? ""),
      button(desk, key("?"), { do: "help" }, { class: "help" })
    )
  )
}

const notice = (desk: Desk, { id, kind, text, waiting }: Notice) =>
  h(
    "div",
    { key: id, class: `notice ${kind}` },
    h("p", { dir: "auto" }, text),
    waiting !== null && button(desk, texts.notices.retry, () => desk.resend()),
    waiting !== null && button(desk, texts.notices.discard, () => desk.discard(waiting)),
    kind === "problem" && waiting === null && button(desk, texts.notices.dismiss, () => desk.dismiss(id))
  )

const help = (desk: Desk) =>
  h(
    "div",
    { class: "above", onClick: () => desk.act({ do: "close" }) },
    h(
      "section",
      { class: "card help", role: "dialog", "aria-modal": true, "aria-label": texts.help.title },
      h("h1", null, texts.help.title),
      h("p", { class: "quiet" }, texts.help.rule),
      h(
        "div",
        { class: "groups" },
        texts.help.groups.map(({ keys, title }) =>
          h(
            "div",
            { key: title },
            h("h3", null, title),
            h(
              "dl",
              null,
              keys.map(([name, does]) => h(Fragment, { key: name }, h("dt", null, key(name)), h("dd", null, does)))
            )
          )
        )
      ),
      h("p", { class: "quiet" }, texts.help.close)
    )
  )

const commands = (desk: Desk) =>
  h(
    "div",
    { class: "commands", role: "dialog", "aria-label": texts.commands.title },
    Object.entries(texts.commands.names)
      .filter(
        ([letter]) => (letter !== "m" || isAdmin(desk.state)) && (letter !== "q" || desk.state.facts?.csrf !== null)
      )
      .map(([letter, name]) => {
        const action = letters[letter]
        return action === undefined
          ? null
          : h("button", { key: letter, type: "button", onClick: () => desk.act(action) }, key(letter), name)
      })
  )

const sure = (desk: Desk) =>
  h(
    "div",
    { class: "above" },
    h(
      "section",
      { class: "card", role: "alertdialog", "aria-modal": true, "aria-label": desk.state.sure?.question },
      h("p", { class: "large", dir: "auto" }, desk.state.sure?.question),
      h("p", { class: "quiet" }, texts.models.sureHint),
      h(
        "div",
        { class: "actions" },
        button(desk, texts.models.yes, { do: "yes" }, { class: "first", keyName: "⏎" }),
        button(desk, texts.models.no, { do: "close" })
      )
    )
  )

const signIn = (desk: Desk) => {
  const { busy, message } = desk.state.signIn
  return h(
    "main",
    { class: "signIn" },
    h(
      "form",
      {
        class: "card",
        onSubmit: (event: Event) => {
          event.preventDefault()
          const field = document.getElementById("token")
          if (field instanceof HTMLInputElement) void desk.signIn(field.value.trim())
        }
      },
      h("h1", null, texts.title),
      // Browsers keep a token under a name.
      h("input", { type: "text", autocomplete: "username", value: texts.title, readOnly: true, hidden: true }),
      h("label", { for: "token" }, texts.signIn.token),
      h("input", {
        id: "token",
        type: "password",
        autocomplete: "current-password",
        required: true,
        maxLength: 500
      }),
      h("p", { class: "message", role: "alert" }, message ?? ""),
      h("button", { type: "submit", class: "first", disabled: busy }, texts.signIn.button)
    )
  )
}

const shows = { tag, grid, audit, progress, models }

export const app = (desk: Desk) => {
  const { above, notices, phase, view } = desk.state
  if (phase === "signIn") return signIn(desk)
  if (phase !== "ready")
    return h(
      "main",
      { class: "signIn" },
      h("p", { class: "quiet" }, phase === "unreachable" ? texts.unreachable : texts.starting)
    )
  return h(
    Fragment,
    null,
    header(desk),
    shows[view](desk),
    h(
      "div",
      { class: "notices", role: "log", "aria-live": "polite" },
      notices.map((one) => notice(desk, one))
    ),
    above === "commands" && commands(desk),
    above === "help" && help(desk),
    above === "sure" && sure(desk)
  )
}
