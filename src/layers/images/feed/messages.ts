import type { FeedWork } from "../../../pipeline/Feed.ts"
import type { ImageFault, Refusal } from "../../../pipeline/Images.ts"
import type { StoreSettings } from "../../storage/ContentStore.ts"

/** Where a decoded image is kept, and of which state of its file. */
export interface Kept {
  readonly chunk: number
  readonly offset: number
  readonly height: number
  readonly width: number
  readonly stamp: string
  /** The file's, where it was looked at. */
  readonly digest: string | undefined
}

/** Memory that all threads see; one of them writes to it. */
export interface Chunk {
  readonly id: number
  readonly memory: SharedArrayBuffer
}

/** A file's bytes, or why they cannot be had. */
export type ReadBytes = Uint8Array | Refusal

/** What a thread is asked for: a batch. */
export interface Request {
  readonly ticket: number
  readonly work: Omit<FeedWork, "loader">
  /** What is known of each slot's file. */
  readonly kept: ReadonlyArray<Kept | undefined>
  /** A slot's bytes, or why there are none, where they are not on disk; undefined: the thread reads the path. */
  readonly read: ReadonlyArray<ReadBytes | undefined> | undefined
  /** Those that this thread has not heard of. */
  readonly chunks: ReadonlyArray<Chunk>
  /** Bytes that this thread may keep in all. */
  readonly room: number
  /** Where decoded images are on disk. */
  readonly store: StoreSettings | undefined
  /** Memory for the result. */
  readonly buffer: SharedArrayBuffer
}

/** A batch is filled, or why it is not. */
export type Reply =
  | {
      readonly ticket: number
      readonly refused: ReadonlyArray<{ slot: number; path: string; reason: ImageFault; detail: string }>
      /** What this thread has kept in addition, by slot. */
      readonly kept: ReadonlyArray<readonly [number, Kept]>
      readonly chunks: ReadonlyArray<Chunk>
    }
  | { readonly ticket: number; readonly failed: string }
