/**
 * Gives a stage the key that names its result. Two stages with the same key give the same result for the same input, so
 * that the feed may do a stage's work, and caches may keep its results.
 *
 * The key is not enumerable, so that a custom stage that is made as `{ ...stage, load }` does not inherit it.
 */
export const withKey = <Stage extends object>(stage: Stage, key: string): Stage & { readonly key: string } =>
  // The property is the one that was just defined.
  Object.defineProperty({ ...stage }, "key", { value: key }) as Stage & { readonly key: string }
