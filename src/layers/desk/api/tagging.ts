/** The queue, the grid and the audit lists: what operators do. */
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup } from "effect/http-api"
import { AuditEntry, AuditList } from "../../../run/serve/Audit.ts"
import { Column, Label } from "../../../run/serve/ColumnValue.ts"
import { AnswerConflict, LeaseLost, NotAtDesk } from "../../../run/serve/DeskFaults.ts"
import { Digest, Instant, Name } from "../../../run/serve/Item.ts"
import { LogEntry } from "../../../run/serve/LogEntry.ts"
import { Acknowledged, Answering, Order, Task } from "../../../run/serve/Task.ts"
import { Authorization, Requests } from "./access.ts"
import { count, mostTasks } from "./bounds.ts"
import { conflict, leaseLost, notAtDesk, nothingToUndo, wrongValue } from "./refusals.ts"

const Seconds = Answering.fields.seconds

export const queue = HttpApiGroup.make("queue")
  .add(
    HttpApiEndpoint.post("next", "/v1/queue/next", {
      payload: Schema.Struct({ order: Order, count: count(mostTasks) }),
      /** Empty: nothing waits for this operator. */
      success: Schema.Array(Task)
    }),
    HttpApiEndpoint.post("answer", "/v1/queue/answer", {
      payload: Answering,
      success: Acknowledged,
      error: [conflict, leaseLost, notAtDesk, wrongValue]
    }),
    HttpApiEndpoint.post("skip", "/v1/queue/skip", {
      payload: Schema.Struct({ digest: Digest, version: Schema.Natural, seconds: Seconds }),
      success: Acknowledged,
      error: [conflict, leaseLost, notAtDesk]
    }),
    HttpApiEndpoint.post("undo", "/v1/queue/undo", {
      /** The tasks of the change that was taken back, leased again. */
      success: Schema.Array(Task),
      error: nothingToUndo
    }),
    HttpApiEndpoint.post("putBack", "/v1/queue/return", {
      payload: Schema.Struct({ digest: Digest, version: Schema.Natural }),
      success: Acknowledged,
      error: [conflict, leaseLost, notAtDesk]
    }),
    HttpApiEndpoint.post("askSecond", "/v1/queue/second-opinion", {
      payload: Schema.Struct({
        digests: Schema.NonEmptyArray(Digest).check(Schema.isMaxLength(mostTasks))
      }),
      success: Schema.Array(Acknowledged),
      error: notAtDesk
    }),
    HttpApiEndpoint.post("take", "/v1/queue/take", {
      payload: Schema.Struct({ digest: Digest }),
      success: Task,
      error: [leaseLost, notAtDesk]
    }),
    HttpApiEndpoint.post("renew", "/v1/queue/renew", {
      payload: Schema.Struct({ digests: Schema.Array(Digest).check(Schema.isMaxLength(mostTasks)) }),
      success: Schema.Array(Schema.Struct({ digest: Digest, until: Instant }))
    })
  )
  .middleware(Authorization)
  .middleware(Requests)

export const grid = HttpApiGroup.make("grid")
  .add(
    HttpApiEndpoint.post("open", "/v1/grid/next", {
      payload: Schema.Struct({ column: Column, label: Label, count: count(mostTasks) }),
      success: Schema.Array(Task),
      error: notAtDesk
    }),
    HttpApiEndpoint.post("confirm", "/v1/grid/confirm", {
      payload: Schema.Struct({
        column: Column,
        label: Label,
        items: Schema.NonEmptyArray(Schema.Struct({ digest: Digest, version: Schema.Natural })).check(
          Schema.isMaxLength(mostTasks)
        ),
        seconds: Seconds
      }),
      success: Schema.Struct({
        confirmed: Schema.Array(Acknowledged),
        failed: Schema.Array(Schema.Union([AnswerConflict, LeaseLost, NotAtDesk]))
      }),
      error: notAtDesk
    })
  )
  .middleware(Authorization)
  .middleware(Requests)

export const audit = HttpApiGroup.make("audit")
  .add(
    HttpApiEndpoint.get("list", "/v1/audit/:list", {
      params: { list: AuditList },
      query: { from: Schema.optionalKey(Schema.Natural), count: Schema.optionalKey(count(mostTasks)) },
      success: Schema.Array(AuditEntry)
    }),
    /** Operators see their own lines; admins all. */
    HttpApiEndpoint.get("log", "/v1/log", {
      query: {
        before: Schema.optionalKey(Schema.Natural),
        count: Schema.optionalKey(count(1000)),
        digest: Schema.optionalKey(Digest),
        operator: Schema.optionalKey(Name)
      },
      success: Schema.Array(LogEntry)
    })
  )
  .middleware(Authorization)
  .middleware(Requests)
