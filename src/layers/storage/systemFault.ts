import { PlatformError } from "effect"
import { messageOf } from "../../pipeline/messageOf.ts"

/** What the system refused, and what to do. */
export interface SystemFault {
  readonly reason: "diskFull" | "notPermitted" | "missing" | "notAFolder" | "failed"
  readonly detail: string
}

const elsewhere = "change the permissions, or choose another folder"

/** By the code of a system call. Source: POSIX.1-2024, errno.h. */
const faults: Readonly<Record<string, readonly [SystemFault["reason"], string]>> = {
  ENOSPC: ["diskFull", "the disk is full; free some space there, or choose a folder on another disk"],
  EDQUOT: ["diskFull", "your quota on this disk is used up; free some space there, or choose a folder on another disk"],
  EFBIG: ["diskFull", "the file would be larger than the system allows; raise the limit, or choose another disk"],
  EACCES: ["notPermitted", `you may not read or write there; ${elsewhere}`],
  EPERM: ["notPermitted", `you may not read or write there; ${elsewhere}`],
  EROFS: ["notPermitted", "the disk can only be read; choose a folder on another disk"],
  ENOENT: ["missing", "there is no such file or folder"],
  ENOTDIR: ["notAFolder", "a file stands where a folder is expected; name another path"],
  EEXIST: ["notAFolder", "there is a file or folder of this name already; name another path"],
  EISDIR: ["failed", "this is a folder, and a file is expected"],
  ENOTEMPTY: ["failed", "the folder is not empty"],
  ENAMETOOLONG: ["failed", "the name is longer than the system allows; choose a shorter one"],
  ELOOP: ["failed", "its links lead in a circle"],
  EMFILE: ["failed", "too many files are open; raise the limit (ulimit -n)"],
  ENFILE: ["failed", "too many files are open on this machine; end other programs, or raise the limit"],
  EBUSY: ["failed", "another program is using it; try again when that has ended"],
  ETXTBSY: ["failed", "another program is using it; try again when that has ended"],
  EIO: ["failed", "the disk reports a fault; check it, or choose another one"],
  ESTALE: ["failed", "the network disk has lost the file; mount it again"],
  ETIMEDOUT: ["failed", "the disk did not answer in time; check that it is reachable"],
  EINVAL: ["failed", "the system does not take this name or does not do this there; choose another path"],
  ERR_FS_FILE_TOO_LARGE: ["failed", "the file has more than 2 GiB"],
  ERR_INVALID_ARG_VALUE: ["failed", "the name has a character (NUL) that no file's name has"],
  EPIPE: ["failed", "the program that reads the output has ended"]
}

/** Effect's own words for the same, where no code is known. */
const tags: Readonly<Record<string, string>> = {
  AlreadyExists: "EEXIST",
  BadResource: "EISDIR",
  Busy: "EBUSY",
  NotFound: "ENOENT",
  PermissionDenied: "EACCES",
  TimedOut: "ETIMEDOUT"
}

/** The code of the first system call that failed, of an error or of what caused it. */
const codeOf = (cause: unknown, depth = 0): string | undefined => {
  if (!(cause instanceof Error) || depth > 8) return undefined
  if (PlatformError.isPlatformError(cause))
    return codeOf(cause.reason.cause, depth + 1) ?? tags[cause.reason._tag] ?? undefined
  if ("code" in cause && typeof cause.code === "string") return cause.code
  return codeOf(cause.cause, depth + 1)
}

/** Node's message without code and system call: `ENOENT: no such file, open 'x'`. */
const plainMessage = (cause: unknown): string => {
  const error = PlatformError.isPlatformError(cause) ? (cause.reason.cause ?? cause.reason) : cause
  const message = messageOf(error)
  return /^E[A-Z0-9]+: (.*?)(?:, \w+(?: '.*')?)?$/s.exec(message)?.[1] ?? message
}

/** A file system error in words for a person: what happened, and what to do. */
export const systemFault = (cause: unknown): SystemFault => {
  const [reason, detail] = faults[codeOf(cause) ?? ""] ?? (["failed", plainMessage(cause)] as const)
  return { reason, detail }
}
