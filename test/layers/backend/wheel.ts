import { createHash } from "node:crypto"
import { crc32, deflateRawSync } from "node:zlib"

/** A ZIP archive of texts and bytes, packed. Source: PKWARE's APPNOTE, 4.3. */
export const zip = (files: ReadonlyArray<readonly [string, Uint8Array]>): Buffer => {
  const bodies: Array<Buffer> = []
  const list: Array<Buffer> = []
  let offset = 0
  for (const [path, bytes] of files) {
    const name = Buffer.from(path)
    const packed = deflateRawSync(bytes)
    const figures = Buffer.alloc(26)
    figures.writeUInt16LE(20, 0)
    figures.writeUInt16LE(8, 4) // deflate
    figures.writeUInt32LE(crc32(bytes), 10)
    figures.writeUInt32LE(packed.length, 14)
    figures.writeUInt32LE(bytes.length, 18)
    figures.writeUInt16LE(name.length, 22)
    const place = Buffer.alloc(14)
    place.writeUInt32LE(offset, 10)
    bodies.push(Buffer.from("PK\x03\x04", "latin1"), figures, name, packed)
    list.push(Buffer.from("PK\x01\x02\x14\x00", "latin1"), figures, place, name)
    offset += 30 + name.length + packed.length
  }
  const directory = Buffer.concat(list)
  const end = Buffer.alloc(18)
  end.writeUInt16LE(files.length, 4)
  end.writeUInt16LE(files.length, 6)
  end.writeUInt32LE(directory.length, 8)
  end.writeUInt32LE(offset, 12)
  return Buffer.concat([...bodies, directory, Buffer.from("PK\x05\x06", "latin1"), end])
}

/** A wheel: the files with the project's METADATA and the RECORD of their hashes, or of those of `recorded`. */
export const wheel = (
  project: string,
  version: string,
  files: ReadonlyArray<readonly [string, Uint8Array]>,
  requires: ReadonlyArray<string> = [],
  recorded = files
): Buffer => {
  const info = `${project}-${version}.dist-info`
  const metadata = ["Metadata-Version: 2.1", `Name: ${project}`, `Version: ${version}`]
  const all = [
    ...files,
    [
      `${info}/METADATA`,
      Buffer.from([...metadata, ...requires.map((name) => `Requires-Dist: ${name}`)].join("\n"))
    ] as const,
    [`${info}/WHEEL`, Buffer.from("Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: py3-none-any\n")] as const
  ]
  const record = recorded.map(
    ([path, bytes]) => `${path},sha256=${createHash("sha256").update(bytes).digest("base64url")},${bytes.length}\n`
  )
  return zip([...all, [`${info}/RECORD`, Buffer.from(`${record.join("")}${info}/RECORD,,\n`)]])
}
