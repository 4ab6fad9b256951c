/** A desk in memory behind the page's own files, which speaks the API's schemas, and can be told to fail. */
import { Effect, Schema } from "effect"
import { createHash } from "node:crypto"
import { createServer } from "node:http"
import type { IncomingMessage, ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import sharp from "sharp"
import { DeskFacts } from "../../../../src/layers/desk/api/desk.ts"
import { contentSecurityPolicy, deskPage } from "../../../../src/layers/desk/page/page.ts"
import { Acknowledged, Answering, Order, Task } from "../../../../src/run/serve/Task.ts"
import { AnswerConflict, LeaseLost, NothingToUndo } from "../../../../src/run/serve/DeskFaults.ts"
import { AuditEntry, AuditList } from "../../../../src/run/serve/Audit.ts"
import { DeskClass } from "../../../../src/run/serve/DeskClass.ts"
import { Digest, Item } from "../../../../src/run/serve/Item.ts"
import { Honesty, Progress } from "../../../../src/run/serve/DeskMetrics.ts"
import { LogEntry } from "../../../../src/run/serve/LogEntry.ts"
import type { ColumnValue, Value } from "../../../../src/run/serve/ColumnValue.ts"
import { certaintyOf, labelsOf, suggestedValue } from "../../../../src/run/serve/ColumnValue.ts"
import type { Answer } from "../../../../src/run/serve/Item.ts"
import { ModelRecord } from "../../../../src/run/serve/Promotions.ts"
import { idle, Retraining } from "../../../../src/run/serve/Retraining.ts"

/** What a photo is made from. */
export interface Photo {
  readonly name: string
  /** What the catalogue has; a photo with all labels waits for nobody. */
  readonly labels?: ReadonlyArray<Value | null>
  /** For each column, classes and probabilities; with a threshold where the column has several values. */
  readonly suggestions: ReadonlyArray<ReadonlyArray<readonly [label: string, probability: number, threshold?: number]>>
  readonly blind?: boolean
  readonly bytes?: Uint8Array
}

export interface FakeOptions {
  readonly columns: readonly [string, ...Array<string>]
  /** Those of them with several values. */
  readonly several?: ReadonlyArray<string>
  readonly photos: ReadonlyArray<Photo>
  readonly classes: ReadonlyArray<{ readonly column: string; readonly label: string; readonly trained: number }>
  /** Operators by token; without any, everybody is the admin `me`. */
  readonly tokens?: Readonly<Record<string, { readonly name: string; readonly role: "operator" | "admin" }>>
  readonly models?: ReadonlyArray<typeof ModelRecord.Type>
  readonly leaseSeconds?: number
}

interface Row {
  item: Item
  lease: { operator: string; until: number; task: "first" | "second" | "settle" | "correct" } | null
}

interface Change {
  readonly operator: string
  readonly before: ReadonlyArray<Item>
}

/** What goes wrong with the next request to a path. */
export interface Fault {
  readonly path: string
  /** `drop`: nothing arrives. `lost`: it is done, and the reply is lost. A number: this status. */
  readonly how: "drop" | "lost" | number
}

const parsed = Schema.decodeUnknownSync
const shaped = <S extends Schema.Top>(schema: S, value: S["Type"]) =>
  // The schemas need no services.
  Schema.encodeUnknownSync(schema as never)(value) as unknown

class Refused extends Error {
  readonly status: number
  readonly body: unknown
  constructor(status: number, body: unknown) {
    super(`${status}`)
    this.status = status
    this.body = body
  }
}

/** A tile of its own for each photo, taller than wide. */
const picture = (digest: string) =>
  sharp({
    create: {
      width: 120,
      height: 160,
      channels: 3,
      background: `#${digest.slice(0, 6)}`
    }
  })
    .jpeg()
    .toBuffer()

const at = 1_790_000_000_000

export class FakeDesk {
  readonly rows = new Map<string, Row>()
  readonly log: Array<LogEntry> = []
  readonly changes: Array<Change> = []
  readonly faults: Array<Fault> = []
  /** What was asked for, and what the schemas refused. */
  readonly requests: Array<string> = []
  readonly problems: Array<string> = []
  readonly options: FakeOptions
  models: Array<typeof ModelRecord.Type>
  retraining: typeof Retraining.Type = { ...idle, answers: 12, after: 100 }
  /** Sessions by cookie. */
  readonly sessions = new Map<string, { readonly name: string; readonly role: "operator" | "admin"; csrf: string }>()
  readonly pictures = new Map<string, Uint8Array>()
  clock = at
  #order: Array<string> = []

  constructor(options: FakeOptions) {
    this.options = options
    this.models = [...(options.models ?? [])]
    options.photos.forEach((photo, i) => {
      const digest = createHash("sha256").update(`${i} ${photo.name}`).digest("hex")
      if (photo.bytes !== undefined) this.pictures.set(digest, photo.bytes)
      this.#order.push(digest)
      const labels = photo.labels ?? []
      const values = options.columns.map((column, c) => ({ column, value: labels[c] ?? null }))
      const complete = values.every(({ value }) => value !== null)
      this.rows.set(digest, {
        lease: null,
        item: {
          digest,
          name: photo.name,
          origin: labels.length > 0 ? "catalogue" : "inbox",
          came: at - i * 60_000,
          rows: labels.length > 0 ? [{ id: `row ${i}`, values }] : [],
          part: null,
          state: complete ? "labelled" : "open",
          opinion: "none",
          blind: photo.blind ?? false,
          version: 0,
          answer: values.some(({ value }) => value !== null) ? { operator: null, at, values } : null,
          second: null,
          suggestions: options.columns.flatMap((column, c) => {
            const [first, ...others] = (photo.suggestions[c] ?? []).map(([label, probability, threshold]) => ({
              label,
              probability,
              ...(threshold !== undefined && { threshold })
            }))
            return first === undefined
              ? []
              : [{ column, model: "model 1", run: "run-1", top: [first, ...others] as const }]
          })
        }
      })
    })
  }

  digestOf(name: string): string {
    for (const [digest, { item }] of this.rows) if (item.name === name) return digest
    throw new Error(`no photo ${name}`)
  }
  item(name: string): Item {
    return this.#row(this.digestOf(name)).item
  }
  /** What a photo's columns hold. */
  valuesOf(name: string): ReadonlyArray<Value | null> {
    const { answer } = this.item(name)
    return this.options.columns.map((column) => answer?.values.find((one) => one.column === column)?.value ?? null)
  }
  /** Somebody else answers. */
  answerAs(operator: string, name: string, values: ReadonlyArray<ColumnValue>) {
    this.#write(operator, "answer", [this.digestOf(name)], () => values, null)
    this.#row(this.digestOf(name)).lease = null
  }
  /** Somebody else has it until then. */
  leaseTo(operator: string, name: string, until: number) {
    this.#row(this.digestOf(name)).lease = { operator, until, task: "first" }
  }

  #row(digest: string): Row {
    const row = this.rows.get(digest)
    if (row === undefined)
      throw new Refused(404, { _tag: "NotAtDesk", what: "item", name: digest, message: "not there" })
    return row
  }

  #task({ item, lease }: Row): Task {
    const kind = lease?.task ?? "first"
    return {
      digest: item.digest,
      name: item.name,
      came: item.came,
      lease: { operator: lease?.operator ?? "", until: lease?.until ?? 0, task: kind },
      version: item.version,
      blind: item.blind,
      model: item.blind ? null : "model 1",
      run: item.blind ? null : "run-1",
      columns: this.options.columns.map((column) => ({
        column,
        ...(this.options.several?.includes(column) === true && { several: true }),
        value: kind === "second" ? null : (item.answer?.values.find((one) => one.column === column)?.value ?? null),
        suggestions: item.blind ? [] : (item.suggestions.find((one) => one.column === column)?.top ?? [])
      })) as unknown as Task["columns"],
      opinions: kind === "settle" && item.answer !== null && item.second !== null ? [item.answer, item.second] : []
    }
  }

  #lease(row: Row, operator: string, task: "first" | "correct" | "settle" | "second"): Task {
    row.lease = { operator, until: Date.now() + (this.options.leaseSeconds ?? 600) * 1000, task }
    return this.#task(row)
  }

  #held(row: Row, operator: string): boolean {
    return row.lease !== null && row.lease.operator !== operator && row.lease.until > Date.now()
  }

  /** Checks version and lease as the desk does. */
  #mayChange(digest: string, version: number, operator: string): Row {
    const row = this.#row(digest)
    const { item, lease } = row
    if (version !== item.version) {
      const conflict = { digest, version: item.version, state: item.state, answer: item.answer }
      throw new Refused(409, shaped(AnswerConflict, new AnswerConflict(conflict)))
    }
    if (this.#held(row, operator))
      throw new Refused(410, shaped(LeaseLost, new LeaseLost({ digest, until: lease?.until ?? null })))
    return row
  }

  #write(
    operator: string,
    action: LogEntry["action"],
    digests: ReadonlyArray<string>,
    values: (item: Item) => ReadonlyArray<ColumnValue>,
    seconds: number | null
  ): ReadonlyArray<Acknowledged> {
    this.clock += 1500
    const before = digests.map((digest) => this.#row(digest).item)
    this.changes.push({ operator, before })
    const change = this.changes.length
    return before.map((item) => {
      const row = this.#row(item.digest)
      const given = values(item)
      const merged = this.options.columns.map((column) => {
        const to = given.find((one) => one.column === column)
        return {
          column,
          value: to === undefined ? (item.answer?.values.find((one) => one.column === column)?.value ?? null) : to.value
        }
      })
      for (const { column, value } of given) {
        const top = item.suggestions.find((one) => one.column === column)?.top
        this.log.push({
          entry: this.log.length + 1,
          change,
          at: this.clock,
          operator,
          action,
          digest: item.digest,
          column,
          from: item.answer?.values.find((one) => one.column === column)?.value ?? null,
          to: value,
          version: item.version + 1,
          model: "model 1",
          run: "run-1",
          suggested: top === undefined ? null : suggestedValue(top),
          probability: top === undefined ? null : certaintyOf(top),
          seconds,
          blind: item.blind
        })
      }
      const answer: Answer | null = merged.every(({ value }) => value === null)
        ? null
        : { operator, at: this.clock, values: merged }
      const done =
        action === "skip" || given.length === this.options.columns.length || merged.every(({ value }) => value !== null)
      row.item = {
        ...item,
        version: item.version + 1,
        answer,
        state: done ? (answer === null ? "skipped" : "answered") : "open"
      }
      if (row.item.state !== "open") row.lease = null
      return { digest: item.digest, version: row.item.version, state: row.item.state, opinion: row.item.opinion }
    })
  }

  #next(operator: string, order: typeof Order.Type, count: number): ReadonlyArray<Task> {
    const open = this.#order
      .map((digest) => this.#row(digest))
      .filter((row) => row.item.state === "open" && !this.#held(row, operator))
    const margin = ({ item }: Row) =>
      Math.min(...item.suggestions.map(({ top }) => top[0].probability - (top[1]?.probability ?? 0)))
    if (order === "leastMargin") open.sort((a, b) => margin(a) - margin(b))
    const own = open.filter(({ lease }) => lease?.operator === operator)
    const fresh = open.filter(({ lease }) => lease?.operator !== operator)
    return [...own, ...fresh].slice(0, count).map((row) => this.#lease(row, operator, row.lease?.task ?? "first"))
  }

  #grid(operator: string, column: string, label: string, count: number): ReadonlyArray<Task> {
    const first = ({ item }: Row) => item.suggestions.find((one) => one.column === column)?.top[0]
    return this.#order
      .map((digest) => this.#row(digest))
      .filter(
        (row) =>
          row.item.state === "open" && !row.item.blind && !this.#held(row, operator) && first(row)?.label === label
      )
      .sort((a, b) => (first(b)?.probability ?? 0) - (first(a)?.probability ?? 0))
      .slice(0, count)
      .map((row) => this.#lease(row, operator, "first"))
  }

  #undo(operator: string): ReadonlyArray<Task> {
    const index = this.changes.findLastIndex((change) => change.operator === operator)
    const [change] = index < 0 ? [] : this.changes.splice(index, 1)
    if (change === undefined) throw new Refused(404, shaped(NothingToUndo, new NothingToUndo({ operator })))
    return change.before.map((before) => {
      const row = this.#row(before.digest)
      row.item = { ...before, version: row.item.version + 1 }
      return this.#lease(row, operator, before.state === "open" ? "first" : "correct")
    })
  }

  #classes(): ReadonlyArray<DeskClass> {
    const rows = [...this.rows.values()]
    const counted = this.options.classes.map(({ column, label, trained }) => ({
      column,
      label,
      trained,
      answers: rows.filter(
        ({ item }) =>
          item.version > 0 &&
          item.answer?.values.some(
            (one) => one.column === column && one.value !== null && labelsOf(one.value).includes(label)
          )
      ).length,
      predicted: rows.filter(
        ({ item }) =>
          item.state === "open" &&
          !item.blind &&
          item.suggestions.find((one) => one.column === column)?.top[0].label === label
      ).length
    }))
    return counted.sort((a, b) => b.trained - a.trained)
  }

  #progress(): Progress {
    const items = [...this.rows.values()].map(({ item }) => item)
    const of = (state: Item["state"]) => items.filter((item) => item.state === state).length
    const operators = [...new Set(this.log.map(({ operator }) => operator))]
    const rate = (hits: number, of: number) => ({
      hits,
      of,
      share: of === 0 ? null : hits / of,
      interval: of === 0 ? null : { low: Math.max(0, hits / of - 0.05), high: Math.min(1, hits / of + 0.05) }
    })
    return {
      total: items.length,
      open: of("open"),
      answered: of("answered"),
      skipped: of("skipped"),
      labelled: of("labelled"),
      leased: [...this.rows.values()].filter(({ lease }) => lease !== null).length,
      wanted: 0,
      disputed: 0,
      operators: operators.map((operator) => {
        const lines = this.log.filter((one) => one.operator === operator && one.action === "answer")
        return {
          operator,
          answers: lines.length,
          skips: this.log.filter((one) => one.operator === operator && one.action === "skip").length,
          undos: 0,
          hours: 0.5,
          perHour: lines.length * 2,
          agreement: rate(lines.filter((one) => one.to === one.suggested).length, lines.length),
          seconded: rate(0, 0)
        }
      })
    }
  }

  #honesty(): ReadonlyArray<Honesty> {
    const rate = { hits: 181, of: 200, share: 0.905, interval: { low: 0.856, high: 0.938 } }
    const none = { hits: 0, of: 0, share: null, interval: null }
    return this.options.columns.map((column) => ({
      column,
      model: rate,
      shown: { ...rate, hits: 3720, of: 4000, share: 0.93, interval: { low: 0.9217, high: 0.9375 } },
      bias: { difference: 0.025, interval: { low: -0.009, high: 0.075 } },
      peopleBlind: none,
      peopleShown: rate
    }))
  }

  #audit(operator: string, list: AuditList): ReadonlyArray<AuditEntry> {
    const items = this.#order.map((digest) => this.#row(digest).item)
    const entry = (item: Item): AuditEntry => {
      const column = this.options.columns[0]
      const first = item.suggestions.find((one) => one.column === column)?.top[0]
      return { item, column, other: first?.label ?? null, probability: first?.probability ?? 0 }
    }
    switch (list) {
      case "labelErrors":
        return items
          .filter(({ answer, state }) => state === "labelled" && answer !== null)
          .map(entry)
          .filter(({ item, other }) => item.answer?.values[0]?.value !== other)
          .sort((a, b) => b.probability - a.probability)
      case "skipped":
        return items.filter(({ state }) => state === "skipped").map(entry)
      case "history":
        return items.filter(({ answer, version }) => version > 0 && answer?.operator === operator).map(entry)
      case "conflicts":
      case "disagreements":
        return []
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://desk")
    const path = url.pathname
    const file = deskPage.files.get(path)
    if (file !== undefined) {
      response.writeHead(200, {
        "content-type": file.type,
        "content-security-policy": contentSecurityPolicy,
        "x-content-type-options": "nosniff"
      })
      response.end(file.bytes)
      return
    }
    const key = `${request.method} ${path}`
    this.requests.push(key)
    const faultAt = this.faults.findIndex((fault) => fault.path === path)
    const [fault] = faultAt < 0 ? [] : this.faults.splice(faultAt, 1)
    if (fault?.how === "drop") return void request.socket.destroy()
    if (typeof fault?.how === "number") throw new Refused(fault.how, { _tag: "NotReady", message: "not now" })

    const chunks: Array<Uint8Array> = []
    for await (const chunk of request) chunks.push(chunk as Uint8Array)
    const text = Buffer.concat(chunks).toString()
    const body: unknown = text === "" ? {} : JSON.parse(text)
    const given = body as Record<string, never>

    const cookie = /weft_desk=([^;]+)/.exec(request.headers.cookie ?? "")?.[1]
    const session =
      this.options.tokens === undefined
        ? { name: "me", role: "admin" as const, csrf: "" }
        : this.sessions.get(cookie ?? "")
    if (key === "POST /v1/session") {
      const operator = this.options.tokens?.[String(given["token"])]
      if (operator === undefined) throw new Refused(401, { _tag: "Unauthorized", message: "unknown token" })
      const id = createHash("sha256").update(`${operator.name} ${this.sessions.size}`).digest("hex")
      const csrf = id.slice(0, 12)
      this.sessions.set(id, { ...operator, csrf })
      response.setHeader("set-cookie", `weft_desk=${id}; HttpOnly; SameSite=Strict; Path=/`)
      return this.#reply(response, { operator, csrf })
    }
    if (session === undefined) throw new Refused(401, { _tag: "Unauthorized", message: "sign in" })
    if (
      this.options.tokens !== undefined &&
      request.method !== "GET" &&
      request.headers["x-csrf-token"] !== session.csrf
    )
      throw new Refused(403, { _tag: "Forbidden", reason: "csrf", message: "csrf" })
    const me = session.name
    const reply = await this.#handle(key, path, url, given, me, session.role, response)
    if (reply === undefined) return
    if (fault?.how === "lost") return void request.socket.destroy()
    this.#reply(response, reply)
  }

  async #handle(
    key: string,
    path: string,
    url: URL,
    body: Record<string, never>,
    me: string,
    role: "operator" | "admin",
    response: ServerResponse
  ): Promise<unknown> {
    const image = /^\/v1\/images\/([0-9a-f]{64})(\/thumbnail|\/neighbours)?$/.exec(path)
    if (image !== null) {
      const digest = image[1] ?? ""
      const row = this.#row(digest)
      if (image[2] === "/neighbours") {
        const column = url.searchParams.get("column")
        const near = [...this.rows.values()].filter(({ item }) => item.state === "labelled").slice(0, 6)
        return (row.item.suggestions.find((one) => one.column === column)?.top ?? []).slice(0, 2).map(({ label }) => ({
          label,
          images: near.map(({ item }) => ({ digest: item.digest, name: item.name, similarity: 0.9 }))
        }))
      }
      const bytes = this.pictures.get(digest) ?? new Uint8Array(await picture(digest))
      response.writeHead(200, { "content-type": "image/jpeg", "cache-control": "private, max-age=3600" })
      response.end(bytes)
      return undefined
    }
    const list = /^\/v1\/audit\/(\w+)$/.exec(path)?.[1]
    if (list !== undefined) {
      const from = Number(url.searchParams.get("from") ?? 0)
      const count = Number(url.searchParams.get("count") ?? 50)
      return shaped(Schema.Array(AuditEntry), this.#audit(me, parsed(AuditList)(list)).slice(from, from + count))
    }
    const promoted = /^\/v1\/models\/([^/]+)\/promote$/.exec(path)?.[1]
    if (promoted !== undefined) {
      const model = decodeURIComponent(promoted)
      this.models = this.models.map((one) =>
        one.model === model
          ? { ...one, state: "live", promoted: this.clock, by: me }
          : one.state === "live"
            ? { ...one, state: "former" }
            : one
      )
      const record = this.models.find((one) => one.model === model)
      if (record === undefined) throw new Refused(409, { _tag: "NotPromotable", model, state: null, detail: "unknown" })
      return shaped(ModelRecord, record)
    }
    switch (key) {
      case "GET /v1/desk":
        return shaped(DeskFacts, {
          operator: { name: me, role },
          csrf:
            this.options.tokens === undefined
              ? null
              : ([...this.sessions.values()].findLast(({ name }) => name === me)?.csrf ?? null),
          columns: this.options.columns,
          leaseSeconds: this.options.leaseSeconds ?? 600,
          model: this.models.find(({ state }) => state === "live") ?? null,
          limits: { bodyBytes: 1_000_000, pixels: 50_000_000, images: 64 },
          version: "0.1.0"
        })
      case "GET /v1/classes":
        return shaped(Schema.Array(DeskClass), this.#classes())
      case "GET /v1/progress":
        return shaped(Progress, this.#progress())
      case "GET /v1/honesty":
        return shaped(Schema.Array(Honesty), this.#honesty())
      case "POST /v1/queue/next":
        return shaped(
          Schema.Array(Task),
          this.#next(me, parsed(Order)(body["order"]), parsed(Schema.Int)(body["count"]))
        )
      case "POST /v1/queue/answer": {
        const { digest, seconds, values, version } = parsed(Answering)(body)
        this.#mayChange(digest, version, me)
        return shaped(Acknowledged, this.#write(me, "answer", [digest], () => values, seconds)[0] as Acknowledged)
      }
      case "POST /v1/queue/skip": {
        const { digest, seconds, version } = parsed(
          Schema.Struct({ digest: Digest, version: Schema.Natural, seconds: Schema.NullOr(Schema.Finite) })
        )(body)
        this.#mayChange(digest, version, me)
        const nothing = () => this.options.columns.map((column) => ({ column, value: null }))
        return shaped(Acknowledged, this.#write(me, "skip", [digest], nothing, seconds)[0] as Acknowledged)
      }
      case "POST /v1/queue/undo":
        return shaped(Schema.Array(Task), this.#undo(me))
      case "POST /v1/queue/return": {
        const { digest, version } = parsed(Schema.Struct({ digest: Digest, version: Schema.Natural }))(body)
        const row = this.#mayChange(digest, version, me)
        row.lease = null
        row.item = { ...row.item, state: "open", answer: null, version: row.item.version + 1 }
        return shaped(Acknowledged, { digest, version: row.item.version, state: "open", opinion: "none" })
      }
      case "POST /v1/queue/second-opinion": {
        const { digests } = parsed(Schema.Struct({ digests: Schema.Array(Digest) }))(body)
        return shaped(
          Schema.Array(Acknowledged),
          digests.map((digest) => {
            const row = this.#row(digest)
            row.item = { ...row.item, opinion: "wanted" }
            return { digest, version: row.item.version, state: row.item.state, opinion: "wanted" as const }
          })
        )
      }
      case "POST /v1/queue/take": {
        const { digest } = parsed(Schema.Struct({ digest: Digest }))(body)
        const row = this.#row(digest)
        if (this.#held(row, me))
          throw new Refused(410, shaped(LeaseLost, new LeaseLost({ digest, until: row.lease?.until ?? null })))
        return shaped(Task, this.#lease(row, me, row.item.state === "open" ? "first" : "correct"))
      }
      case "POST /v1/queue/renew": {
        const { digests } = parsed(Schema.Struct({ digests: Schema.Array(Digest) }))(body)
        return digests
          .filter((digest) => this.#row(digest).lease?.operator === me)
          .map((digest) => ({ digest, until: Date.now() + 600_000 }))
      }
      case "POST /v1/grid/next":
        return shaped(
          Schema.Array(Task),
          this.#grid(me, String(body["column"]), String(body["label"]), parsed(Schema.Int)(body["count"]))
        )
      case "POST /v1/grid/confirm": {
        const { column, items, label, seconds } = parsed(
          Schema.Struct({
            column: Schema.String,
            label: Schema.String,
            items: Schema.NonEmptyArray(Schema.Struct({ digest: Digest, version: Schema.Natural })),
            seconds: Schema.NullOr(Schema.Finite)
          })
        )(body)
        const failed: Array<unknown> = []
        const good = items.filter(({ digest, version }) => {
          try {
            this.#mayChange(digest, version, me)
            return true
          } catch (refused) {
            if (refused instanceof Refused) failed.push(refused.body)
            return false
          }
        })
        const confirmed = this.#write(
          me,
          "answer",
          good.map(({ digest }) => digest),
          () => [{ column, value: label }],
          seconds
        )
        return { confirmed, failed }
      }
      case "GET /v1/log": {
        const digest = url.searchParams.get("digest")
        return shaped(
          Schema.Array(LogEntry),
          this.log.filter((one) => digest === null || one.digest === digest).toReversed()
        )
      }
      case "GET /v1/models":
        return shaped(Schema.Array(ModelRecord), this.models)
      case "GET /v1/retrain":
        return shaped(Retraining, this.retraining)
      case "POST /v1/retrain":
        this.retraining = { ...this.retraining, state: "training", by: me, epoch: 1, epochs: 4 }
        return shaped(Retraining, this.retraining)
      case "POST /v1/retrain/stop":
        this.retraining = { ...this.retraining, state: "stopped" }
        return shaped(Retraining, this.retraining)
      case "POST /v1/models/roll-back": {
        const former = this.models.find(({ state }) => state === "former")
        if (former === undefined)
          throw new Refused(409, { _tag: "NotPromotable", model: "", state: null, detail: "There is no former model." })
        this.models = this.models.map((one) =>
          one === former ? { ...one, state: "live" } : one.state === "live" ? { ...one, state: "heldBack" } : one
        )
        return shaped(ModelRecord, { ...former, state: "live" })
      }
    }
    throw new Refused(404, { _tag: "NotFound", message: `no ${key}` })
  }

  #reply(response: ServerResponse, body: unknown) {
    response.writeHead(200, { "content-type": "application/json" })
    response.end(JSON.stringify(body))
  }

  readonly listener = (request: IncomingMessage, response: ServerResponse): void => {
    this.#answer(request, response).catch((error: unknown) => {
      if (response.headersSent) return void response.end()
      if (error instanceof Refused) {
        response.writeHead(error.status, { "content-type": "application/json" })
        return void response.end(JSON.stringify(error.body))
      }
      this.problems.push(`${request.method} ${request.url}: ${String(error)}`)
      response.writeHead(400, { "content-type": "application/json" })
      response.end(JSON.stringify({ _tag: "InvalidRequest", message: String(error) }))
    })
  }
}

/** Serves a fake desk on a free port of this machine, until the Scope ends. */
export const serveFake = (options: FakeOptions) =>
  Effect.gen(function* () {
    const desk = new FakeDesk(options)
    const server = yield* Effect.acquireRelease(
      Effect.callback<ReturnType<typeof createServer>>((resume) => {
        const server = createServer(desk.listener)
        server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
      }),
      (server) =>
        Effect.callback<void>((resume) => {
          server.closeAllConnections()
          server.close(() => resume(Effect.void))
        })
    )
    // A server that listens on a port has an address with one.
    const { port } = server.address() as AddressInfo
    return { desk, url: `http://127.0.0.1:${port}` }
  })
