/** All texts of the page. Another language is another file of this shape. */
import type { Value } from "../../../../run/serve/ColumnValue.ts"
import type { AuditList } from "../../../../run/serve/Audit.ts"
import type { Order } from "../../../../run/serve/Task.ts"
import type { ModelState } from "../../../../run/serve/Promotions.ts"
import type { Retraining } from "../../../../run/serve/Retraining.ts"
import type { View } from "./keys.ts"

const many = (count: number, one: string, several: string) => `${number(count)} ${count === 1 ? one : several}`
const photos = (count: number) => many(count, "photo", "photos")

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 })
const percents = new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: 1, minimumFractionDigits: 1 })
const wholePercents = new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: 0 })
const points = new Intl.NumberFormat("en", {
  maximumFractionDigits: 1,
  minimumFractionDigits: 1,
  signDisplay: "exceptZero"
})
const hours = new Intl.NumberFormat("en", { maximumFractionDigits: 1 })
const clock = new Intl.DateTimeFormat("en", { hour: "2-digit", minute: "2-digit", hourCycle: "h23" })
const moment = new Intl.DateTimeFormat("en", {
  day: "numeric",
  month: "short",
  hour: "2-digit",
  minute: "2-digit",
  hourCycle: "h23"
})

export const number = (value: number) => whole.format(value)
export const percent = (share: number) => percents.format(share)
/** Of a probability: whole percents, and never 100 % for less. */
export const likely = (probability: number) =>
  probability >= 0.995 && probability < 1
    ? "> 99%"
    : probability > 0 && probability < 0.005
      ? "< 1%"
      : wholePercents.format(probability)
export const point = (difference: number) => points.format(difference * 100)
export const hour = (value: number) => hours.format(value)
export const timeOfDay = (at: number) => clock.format(at)
export const dayAndTime = (at: number) => moment.format(at)

/** What a column holds, for people; of a set all its classes. */
export const shown = (value: Value | null, nothing = "–"): string =>
  value === null
    ? nothing
    : typeof value === "string"
      ? value
      : value.length === 0
        ? texts.noneOfThem
        : value.join(", ")

export const texts = {
  title: "Weft desk",
  /** The empty set. */
  noneOfThem: "none of them",
  noScript: "The desk needs JavaScript.",
  starting: "Opening the desk …",
  unreachable: "The server does not answer. Trying again.",
  views: { tag: "Tag", grid: "Grid", audit: "Audit", progress: "Progress", models: "Models" } satisfies Record<
    View,
    string
  >,
  signIn: {
    title: "Sign in",
    token: "Your token",
    button: "Sign in",
    wrong: "This token is not known. Ask the person who runs the desk for yours.",
    wait: (seconds: number) => `Too many tries. Wait ${seconds} seconds.`,
    again: "Your session is over. Sign in again; no answer is lost.",
    out: "Sign out"
  },
  header: {
    open: (count: number) => `${number(count)} open`,
    rate: (perHour: number) => `${number(perHour)}/h`,
    rateTitle: "Your answers an hour, over the last quarter of an hour at work",
    agreement: (share: number) => `${wholePercents.format(share)} as suggested`,
    noModel: "no model yet",
    saved: "All answers are saved",
    sending: (count: number) => `Saving ${count}`,
    offline: (count: number) => `No connection. ${many(count, "answer waits", "answers wait")} here and will be sent.`,
    notKept: "This browser keeps nothing: do not close this tab before the answers are sent."
  },
  orders: {
    newest: "newest first",
    leastMargin: "least certain first",
    surest: "surest first",
    disagreement: "disagreements first",
    audit: "random"
  } satisfies Record<Order, string>,
  tag: {
    empty: "Nothing waits for you.",
    emptyHint: "New photos appear here by themselves.",
    asking: "Asking for photos …",
    type: "Type a name",
    typeText: "Name, digits included",
    blind: "Shown without suggestions, to measure. Type the name.",
    noSuggestion: "The model has not seen this photo. Type the name.",
    none: "No class has this name.",
    nothing: "Nothing is chosen yet: type the first letters of the class.",
    add: (label: string) => `Enter again adds the new class “${label}”.`,
    severalHint: "Tick all that apply; Enter confirms them.",
    noneApplies: "Nothing is ticked. Enter again says that none of them applies.",
    confirm: (count: number) => `Confirm ${number(count)}`,
    typeAnother: "Type a name to tick",
    appliesFrom: (probability: string) => `The model takes it to apply from ${probability} on.`,
    isNew: "new class",
    now: "now",
    mine: "your answer",
    somebody: "somebody else",
    empties: "left empty",
    second: "Second opinion: you do not see the first one.",
    settle: "Two answers differ. Which one holds?",
    correct: "Correction: the first line is what it has now.",
    conflict: (by: string) => `${by} answered this photo before you. Enter keeps that answer.`,
    conflictHidden: "Somebody changed this photo before your answer. Answer again, or skip.",
    noImage: "This photo cannot be shown.",
    near: "Nearest training photos",
    noNear: "No training photos to compare",
    left: "Leave empty",
    skip: "Skip",
    undo: "Undo",
    zoom: "Zoom",
    all: "All as suggested",
    columns: "Columns",
    undone: (count: number) => `Taken back: ${photos(count)}.`,
    nothingToUndo: "Nothing is left to take back.",
    undoUnknown: "The connection broke while taking back. Your history in Audit shows whether it was.",
    undoWaits: "It is taken back as soon as the answers before it are sent."
  },
  grid: {
    choose: "Which class?",
    open: (count: number) => `${number(count)} predicted`,
    none: "No open photo has this class as its first suggestion.",
    head: (label: string) => label,
    hint: "Press the key of each photo that is wrong, then Enter.",
    touch: "Tap each photo that is wrong.",
    confirm: (count: number) => `Confirm ${photos(count)}`,
    wrong: (count: number) => `${photos(count)} left out: they come first when you tag.`,
    done: (label: string) => `No more photos of ${label}.`,
    nothing: "All are marked as wrong: nothing to confirm.",
    other: "Another class",
    failed: (count: number) => `${photos(count)} had been changed by somebody else. Their answers stay.`,
    loading: "Asking for photos …"
  },
  lists: {
    labelErrors: "Label errors",
    conflicts: "Conflicts",
    disagreements: "Disagreements",
    skipped: "Skipped",
    history: "Your history"
  } satisfies Record<AuditList, string>,
  listHints: {
    labelErrors: "Photos whose label the model doubts most.",
    conflicts: "The same photo in several rows with different labels.",
    disagreements: "Two operators gave different answers.",
    skipped: "Photos that somebody skipped.",
    history: "What you answered, newest first."
  } satisfies Record<AuditList, string>,
  audit: {
    empty: "This list is empty.",
    has: "has",
    others: {
      labelErrors: "the model says",
      conflicts: "another row says",
      disagreements: "the second opinion says",
      skipped: "the model says",
      history: "the model says"
    } satisfies Record<AuditList, string>,
    rows: "Rows",
    open: "Open",
    takeOther: (label: string) => `Change to ${label}`,
    keep: "Keep as it is",
    putBack: "Back to the queue",
    askSecond: "Ask for a second opinion",
    asked: "A second opinion is asked for.",
    returned: "It is back in the queue.",
    log: "What happened",
    noLog: "Nobody has changed it.",
    nothingHere: "empty"
  },
  actions: {
    answer: "answered",
    skip: "skipped",
    second: "second opinion",
    settle: "settled",
    return: "back to the queue",
    release: "given back",
    undo: "taken back",
    ask: "second opinion asked for"
  },
  progress: {
    done: "answered",
    open: "open",
    skipped: "skipped",
    labelled: "labelled by the catalogue",
    leased: "in hand now",
    wanted: "wait for a second opinion",
    disputed: "disputed",
    operators: "Operators",
    columns: ["operator", "answers", "skips", "taken back", "hours", "an hour", "as suggested", "seconded"],
    nobody: "Nobody has answered yet.",
    honesty: "Accuracy",
    honestyHint:
      "A share of the photos is shown without suggestions. Only they tell how good the model is, and how far suggestions pull people. Intervals are 95 %.",
    honestyColumns: [
      "column",
      "model, blind answers",
      "answers as suggested",
      "pull of suggestions, points",
      "people, blind",
      "people, with suggestions"
    ],
    interval: (low: string, high: string) => `${low} to ${high}`,
    of: (hits: number, of: number) => `${number(hits)} of ${number(of)}`,
    none: "–"
  },
  models: {
    retrain: "Retrain",
    stop: "Stop",
    promote: "Promote",
    force: "Promote although held back",
    rollBack: "Roll back",
    states: {
      candidate: "not judged yet",
      heldBack: "held back",
      passed: "passed, waits",
      live: "live",
      former: "former",
      gone: "files removed"
    } satisfies Record<ModelState, string>,
    retraining: {
      idle: "No training goes on",
      waiting: "Training waits for its turn",
      training: "Training",
      judging: "The gate judges the candidate",
      promoted: "The last training was promoted",
      heldBack: "The last training was held back",
      failed: "The last training failed",
      stopped: "The last training was stopped"
    } satisfies Record<Retraining["state"], string>,
    epoch: (epoch: number, epochs: number) => `epoch ${epoch} of ${epochs}`,
    answers: (answers: number, after: number | null) =>
      after === null
        ? `${many(answers, "answer", "answers")} since the last training`
        : `${number(answers)} of ${number(after)} answers until the next training`,
    trainedOn: (answers: number) => `with ${many(answers, "answer", "answers")}`,
    by: (name: string, at: string) => `promoted by ${name}, ${at}`,
    passes: "The gate lets it pass.",
    held: "The gate holds it back:",
    unjudged: "The gate has not judged it.",
    columns: ["column", "samples", "accuracy", "difference, points", "macro F1", "difference, points"],
    samples: (test: number, blind: number) => `${number(test)} test + ${number(blind)} blind`,
    falling: (label: string, live: string, candidate: string, support: number) =>
      `${label}: recall ${live} → ${candidate} on ${many(support, "sample", "samples")}`,
    sureRetrain: "Retrain with all answers so far?",
    sureStop: "Stop the training?",
    surePromote: (model: string) => `Make ${model} live?`,
    sureForce: (model: string) => `The gate holds ${model} back. Make it live nevertheless?`,
    sureRollBack: "Make the former model live again?",
    sureHint: "Enter: yes. Any other key: no.",
    yes: "Yes",
    no: "No",
    exports: "Download",
    exportCsv: "Catalogue with corrections (CSV)",
    correctionsCsv: "Corrections alone (CSV)",
    admins: "Only admins see models.",
    none: "No model yet."
  },
  notices: {
    dismiss: "Dismiss",
    conflict: (name: string) => `${name}: somebody else answered it first. It comes next, with both answers.`,
    held: (name: string, until: string) =>
      `${name}: somebody else has it until ${until}. Your answer is kept, and sent then.`,
    refused: (name: string, why: string) => `${name}: the server refuses your answer: ${why}`,
    retry: "Send again",
    discard: "Discard the answer",
    failed: (what: string) => `That did not work: ${what}`,
    otherOperator: (count: number, operator: string) =>
      `${many(count, "answer", "answers")} of ${operator} wait in this browser until ${operator} signs in.`
  },
  commands: {
    title: "Commands",
    names: {
      s: "skip",
      u: "undo",
      t: "tag",
      g: "grid",
      a: "audit",
      p: "progress",
      m: "models",
      o: "order",
      n: "send again",
      d: "dismiss messages",
      q: "sign out",
      "?": "help"
    }
  },
  help: {
    title: "Keys",
    rule: "Where you choose a class by its name, letters are the name. Everywhere else, and after Esc, letters are commands.",
    close: "Esc closes",
    groups: [
      {
        title: "Tag",
        keys: [
          ["Enter", "take the highlighted class, and go on"],
          ["1 – 9", "take that line"],
          ["letters", "find a class by its name, its words or its initials"],
          ["several values", "digits and names tick, Enter confirms all"],
          ["Shift Enter", "take the first line of all columns that are left"],
          ["0", "leave this column empty"],
          ["-", "skip the photo"],
          ["Backspace", "take back, as often as you like (Ctrl Z too)"],
          ["↑ ↓", "another line"],
          ["Tab", "another column"],
          ["Space", "zoom; arrows move the photo"],
          ["/", "digits and signs are part of the name"],
          ["Esc", "clear; then a command"]
        ]
      },
      {
        title: "Grid",
        keys: [
          ["letters", "find a class; Enter opens it"],
          ["its key", "mark a photo as wrong, or not"],
          ["arrows, Space", "the same, step by step"],
          ["Enter", "confirm all others, and show the next"],
          ["Backspace", "take the last confirmation back"],
          ["/", "another class"]
        ]
      },
      {
        title: "Audit",
        keys: [
          ["1 – 5, ← →", "another list"],
          ["↑ ↓", "another photo"],
          ["x", "change it to what the other side says"],
          ["k", "keep it as it is"],
          ["Enter", "open it, and choose"],
          ["w", "ask for a second opinion"],
          ["r", "back to the queue"]
        ]
      },
      {
        title: "Models (admins)",
        keys: [
          ["R", "retrain"],
          ["X", "stop the training"],
          ["P", "promote the selected model"],
          ["F", "promote it although the gate holds it back"],
          ["B", "roll back to the former model"]
        ]
      },
      {
        title: "After Esc, or at once where nothing is typed",
        keys: [
          ["s, u", "skip, undo"],
          ["t g a p m", "tag, grid, audit, progress, models"],
          ["o", "another order of the queue"],
          ["n, d", "send answers again; dismiss messages"],
          ["?", "this help"],
          ["q", "sign out"]
        ]
      }
    ]
  }
} as const
