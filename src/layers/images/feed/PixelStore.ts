import type { Pixels } from "../../../pipeline/Pixels.ts"
import type { StoreSettings } from "../../storage/ContentStore.ts"
import { ContentStore } from "../../storage/ContentStore.ts"

/** Decoded images on disk, by their files' SHA-256. A disk that is full, or no folder at all, costs speed and never a run. */
export class PixelStore {
  readonly #store: ContentStore
  #isBroken = false

  constructor(settings: StoreSettings) {
    this.#store = new ContentStore(settings)
  }

  /** Takes up what others have written. */
  refresh(): void {
    try {
      this.#store.refresh()
    } catch {
      // What is known stays.
    }
  }

  /** An image's pixels, if they are here and whole. */
  take(digest: string): Pixels | undefined {
    try {
      const found = this.#store.take(digest)
      if (found === undefined) return undefined
      const { bytes: data, note: width } = found
      return { height: data.length / (width * 3), width, data }
    } catch {
      return undefined
    }
  }

  /** Keeps an image, where there is room for it. */
  put(digest: string, { data, width }: Pixels): void {
    if (this.#isBroken) return
    try {
      this.#store.put([{ key: digest, note: width, bytes: data }])
    } catch {
      this.#isBroken = true
    }
  }

  close(): void {
    this.#store.close()
  }
}
