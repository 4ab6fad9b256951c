/** A kind of file that is not a safetensors file, and what to do about it. */
export interface OtherKind {
  readonly what: string
  readonly cure: string
}

/** How many of a file's first bytes show its kind. */
export const kindBytes = 4096

const convert =
  "convert it with Python: safetensors.torch.save_file(torch.load(FILE, weights_only=True), 'model.safetensors')"

const page: OtherKind = {
  what: "a web page",
  cure: "it may be a sign-in or an error page: open the address in a browser, sign in, and fetch the file itself"
}

/** Whether a file begins so; its bytes are one character each. */
type IsKind = (text: string) => boolean

const begins =
  (...signatures: ReadonlyArray<string>): IsKind =>
  (text) =>
    signatures.some((signature) => text.startsWith(signature))

const isZip = begins("PK\x03\x04")

/** PyTorch's archives hold these beside each other. */
const inTorch = ["/data.pkl", "/version", "/constants.pkl", "/byteorder", "/.format_version"]

/** The pickle protocols 2 to 5. */
const isPickle = begins("\x80\x02", "\x80\x03", "\x80\x04", "\x80\x05")

/** Source: each format's own specification of its signature. */
const kinds: ReadonlyArray<readonly [IsKind, OtherKind]> = [
  [
    begins("version https://git-lfs.github.com/", "version https://hawser.github.com/"),
    { what: "a Git LFS pointer, which stands for the file", cure: "fetch the file itself: git lfs pull" }
  ],
  [(text) => /^\s*(?:\xef\xbb\xbf)?\s*<(?:!doctype|html|head|body|script|\?xml|!--)/i.test(text), page],
  [
    (text) => isZip(text) && inTorch.some((name) => text.includes(name)),
    { what: "a PyTorch file (zip)", cure: convert }
  ],
  [
    (text) => isZip(text) && text.includes(".npy"),
    { what: "a NumPy archive", cure: "save the weights as safetensors" }
  ],
  [isZip, { what: "a zip archive", cure: "unpack it, and name the .safetensors file in it" }],
  [isPickle, { what: "a PyTorch file (pickle)", cure: convert }],
  [begins("\x89HDF\r\n"), { what: "an HDF5 file, as Keras writes it", cure: "save the weights as safetensors" }],
  [begins("\x93NUMPY"), { what: "a NumPy array", cure: "save the weights as safetensors" }],
  [begins("GGUF"), { what: "a GGUF file", cure: "fetch the weights as safetensors" }],
  [
    begins("\x1f\x8b", "7z\xbc\xaf", "\xfd7zXZ", "BZh", "\x28\xb5\x2f\xfd", "Rar!"),
    { what: "a packed archive", cure: "unpack it" }
  ],
  [(text) => text.startsWith("TFL3", 4), { what: "a TensorFlow Lite file", cure: "save the weights as safetensors" }],
  [
    begins("\x89PNG", "\xff\xd8\xff", "GIF8", "%PDF", "RIFF"),
    { what: "an image or a document", cure: "name the file of the weights" }
  ],
  [
    (text) => /^\s*[{[]/.test(text),
    {
      what: "a JSON text",
      cure: "it may be an error of the server, or an index of several files: name a file of weights"
    }
  ]
]

const isText: IsKind = (text) => !/[^\P{Cc}\s\x80-\x9f]/u.test(text)

/** A safetensors file's header begins with a brace, after eight bytes that say how long it is (below 2^32). */
const isLikeSafetensors = (first: Uint8Array): boolean =>
  first[8] === 0x7b && [4, 5, 6, 7].every((at) => first[at] === 0)

/** The kind of a file by its first `kindBytes` bytes; undefined where it is unknown, or a safetensors file. */
export const otherKind = (first: Uint8Array): OtherKind | undefined => {
  if (first.length === 0) return { what: "an empty file", cure: "fetch it again" }
  if (isLikeSafetensors(first)) return undefined
  // One character a byte, so that signatures can be written as they are specified.
  const text = Array.from(first.subarray(0, kindBytes), (byte) => String.fromCharCode(byte)).join("")
  const known = kinds.find(([isKind]) => isKind(text))
  if (known !== undefined) return known[1]
  return isText(text) ? { what: "a text", cure: "name the file of the weights" } : undefined
}
