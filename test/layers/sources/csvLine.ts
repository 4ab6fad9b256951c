import { Schema } from "effect"

const isPlain = (cell: string) => !/[",\r\n]/.test(cell)
/** A cell as RFC 4180 writes it. */
export const quote = (cell: string) => (isPlain(cell) ? cell : `"${cell.replaceAll('"', '""')}"`)

const Kind = Schema.Literals([
  "plain",
  "quoted",
  "overLines",
  "innerQuote",
  "tooFew",
  "tooMany",
  "noId",
  "noLabel",
  "notUtf8",
  "blank",
  "openQuote"
])
export const Piece = Schema.Literals(["x", "é", "上衣", " ", ",", '"', "a b", "5"])
export const Line = Schema.Struct({ kind: Kind, ending: Schema.Literals(["\n", "\r\n"]), note: Schema.Array(Piece) })

/** The bytes of a row or a fault, how many lines they take, and what is to become of them. */
export const made = ({ ending, kind, note }: typeof Line.Type, index: number) => {
  const id = `r${index}`
  const plain = note.filter((piece) => isPlain(piece)).join("")
  const all = (cells: ReadonlyArray<string>) => cells.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(",")
  const any = note.join("")
  const text = {
    plain: `${id},Tops,${plain}`,
    quoted: all([id, "Tops", any]),
    // Lines in between that could be rows by themselves.
    overLines: `${id},Tops,"${any.replaceAll('"', '""')}${ending}between,Tops,x${ending}${plain}"`,
    innerQuote: `${id},Tops,14" ${plain}`,
    tooFew: `${id},${plain}`,
    tooMany: `${id},Tops,${plain},${quote(any)}`,
    noId: ` ,Tops,${quote(any)}`,
    noLabel: `${id},"",${plain}`,
    notUtf8: `${id},Tops,${plain}`,
    blank: " ".repeat(note.length),
    openQuote: `${id},"Tops,${plain}`
  }[kind]
  const reason = {
    plain: id,
    quoted: id,
    overLines: id,
    innerQuote: id,
    tooFew: "malformed",
    tooMany: "malformed",
    noId: "missingId",
    noLabel: "missingLabel",
    notUtf8: "malformed",
    blank: undefined,
    openQuote: "malformed"
  }[kind]
  const bytes = Buffer.concat([Buffer.from(text), Buffer.from(kind === "notUtf8" ? [0xff] : []), Buffer.from(ending)])
  return { bytes, lines: kind === "overLines" ? 3 : 1, reason }
}
