import { Effect, Layer } from "effect"
import { randomUUID } from "node:crypto"
import { join } from "node:path"
import { FeatureCache, FeatureCacheError } from "../../model/FeatureCache.ts"
import type { FeatureSpace } from "../../model/FeatureSpace.ts"
import { fileError } from "./atomicWrite.ts"
import { cacheFolder } from "./cacheFolder.ts"
import { ContentStore } from "./ContentStore.ts"

/** Where the cache lies and how large it may grow. */
export interface FeatureCacheSettings {
  readonly folder: string
  /** Bytes of all spaces together; see `ContentStore`. */
  readonly bytes: number
}

/** Under the machine's cache; see `cacheFolder`. */
export const featureFolder = (environment: NodeJS.ProcessEnv = process.env): string =>
  join(cacheFolder(environment), "features")

/** Ten gigabytes: two million feature rows of MobileNetV2. */
const defaultBytes = 10e9

/** How large the cache may grow, in bytes: WEFT_FEATURES_MIB, in MiB, else 10 GB. It is the machine's, not a run's. */
export const featureBytes = (environment: NodeJS.ProcessEnv = process.env): number => {
  const mebibytes = Number(environment["WEFT_FEATURES_MIB"])
  return mebibytes >= 1 ? mebibytes * 2 ** 20 : defaultBytes
}

/** Each space has open files; an epoch of augmented images is one. */
const mostOpen = 16

/** Features in a `ContentStore`, a row a record. `close` closes the files. */
export const make = ({ bytes, folder }: FeatureCacheSettings): FeatureCache["Service"] & { close: () => void } => {
  const owner = randomUUID()
  /** Those that were used last at the end. */
  const stores = new Map<string, ContentStore>()

  const storeOf = ({ digest }: FeatureSpace): ContentStore => {
    const store = stores.get(digest) ?? new ContentStore({ root: folder, space: digest, most: bytes, owner })
    stores.delete(digest)
    stores.set(digest, store)
    for (const [other, old] of [...stores].slice(0, -mostOpen)) {
      old.close()
      stores.delete(other)
    }
    return store
  }

  /** Does something with a space's store; the system's errors are the cache's. */
  const using = <A>(space: FeatureSpace, use: (store: ContentStore) => A) =>
    Effect.try({ try: () => use(storeOf(space)), catch: (cause) => fileError(join(folder, space.digest), cause) }).pipe(
      Effect.mapError(
        ({ detail, path, reason }) =>
          new FeatureCacheError({ path, reason: reason === "missing" ? "failed" : reason, detail })
      )
    )

  return {
    read: Effect.fn("FeatureCache.read")((space: FeatureSpace, keys: ReadonlyArray<string>) =>
      using(space, (store) => {
        if (keys.some((key) => !store.has(key))) store.refresh()
        const features = new Float32Array(keys.length * space.length)
        const rows = new Uint8Array(features.buffer)
        const missing: Array<number> = []
        for (const [i, key] of keys.entries()) {
          const row = store.take(key)?.bytes
          if (row?.length === space.length * 4) rows.set(row, i * row.length)
          else missing.push(i)
        }
        return { features, missing }
      })
    ),
    write: Effect.fn("FeatureCache.write")((space: FeatureSpace, keys: ReadonlyArray<string>, features: Float32Array) =>
      using(space, (store) => {
        const { buffer, byteOffset } = features
        const size = space.length * 4
        store.put(keys.map((key, i) => ({ key, note: 0, bytes: new Uint8Array(buffer, byteOffset + i * size, size) })))
      })
    ),
    close: () => {
      for (const store of stores.values()) store.close()
    }
  }
}

/** Features on disk; see `make`. */
export const layer = (settings: Partial<FeatureCacheSettings> = {}) =>
  Layer.effect(
    FeatureCache,
    Effect.acquireRelease(
      Effect.sync(() => make({ folder: featureFolder(), bytes: featureBytes(), ...settings })),
      ({ close }) => Effect.sync(close)
    )
  )
