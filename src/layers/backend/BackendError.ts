import { Schema } from "effect"
import * as Runtime from "effect/Runtime"
import { codeOf, fetchMessage } from "../hub/download/DownloadError.ts"

/** The backend cannot be installed: why, and what to do. */
export class BackendError extends Schema.TaggedError<BackendError>()("BackendError", {
  reason: Schema.Literals([
    "usage",
    "platform",
    "noPackage",
    "notFound",
    "unreachable",
    "damaged",
    "diskFull",
    "noCompiler",
    "failed"
  ]),
  detail: Schema.String,
  cure: Schema.String
}) {
  /** 2 where the command line is wrong, 4 where no TensorFlow is to be had, else 1. */
  override get [Runtime.errorExitCode]() {
    if (this.reason === "usage") return 2
    return ["platform", "noPackage", "notFound", "unreachable"].includes(this.reason) ? 4 : 1
  }
  override get message() {
    return `The TensorFlow backend is not installed: ${this.detail}. ${this.cure}`
  }
}

/** What went wrong while `what` was done, as a BackendError; one that is given stays as it is. */
export const backendError = (what: string, cause: unknown): BackendError => {
  if (cause instanceof BackendError) return cause
  if (["ENOSPC", "EDQUOT", "EFBIG"].includes(codeOf(cause)))
    return new BackendError({
      reason: "diskFull",
      detail: `${what}: the disk is full`,
      cure: "Free some space (2 GB, with a GPU 12 GB) and run the command again: it goes on where it stopped."
    })
  return new BackendError({
    reason: "failed",
    detail: `${what}: ${fetchMessage(cause)}`,
    cure: "Run the command again; what was fetched is kept."
  })
}
