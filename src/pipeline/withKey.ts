/**
 * Gives a stage the key that names what it makes: two stages of one key make the same of the same input, so that another
 * may do a stage's work, and what it made may be kept and found again.
 *
 * The key is not enumerable: of a stage of one's own, made as `{ ...stage, load }`, nobody may think that it makes the same.
 */
export const withKey = <Stage extends object>(stage: Stage, key: string): Stage & { readonly key: string } =>
  // The property is the one that was just defined.
  Object.defineProperty({ ...stage }, "key", { value: key }) as Stage & { readonly key: string }
