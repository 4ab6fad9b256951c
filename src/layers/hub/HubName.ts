/** A file on a hub. */
export interface HubName {
  readonly owner: string
  readonly name: string
  /** A branch, a tag or a commit. */
  readonly revision: string
  /** Its path in the repository. */
  readonly file: string
}

/** How a source on a hub begins. */
export const hubPrefix = "hf:"

/** Letters, digits, `-`, `_` and `.`, but neither `.` nor `..`, which would lead out of a folder. */
const isPlain = (text: string): boolean => /^[\w-][\w.-]*$/.test(text)

/** Whether a path or a source names an ONNX file. */
export const isGraph = (file: string): boolean => file.endsWith(".onnx")

/** Whether a path names a file of weights: tensors, or an ONNX file. */
export const isWeights = (file: string): boolean => file.endsWith(".safetensors") || isGraph(file)

/**
 * What `hf:OWNER/NAME`, `hf:OWNER/NAME@REVISION` or either with `/FILE.safetensors` or `/FILE.onnx` after it names; undefined for
 * anything else. Revision `main` and file `model.safetensors` where left out.
 */
export const hubName = (source: string): HubName | undefined => {
  const [owner = "", second = "", ...rest] = source.slice(hubPrefix.length).split("/")
  const [name = "", revision = "main", ...more] = second.split("@")
  const path = rest.length === 0 ? ["model.safetensors"] : rest
  const isName = [owner, name, revision, ...path].every(isPlain)
  if (!isName || more.length > 0 || !isWeights(path.at(-1) ?? "")) return undefined
  return { owner, name, revision, file: path.join("/") }
}
