/**
 * The first value of a tag in a TIFF's first directory, where it is a number of 16 or 32 bits; undefined where there is
 * none, and in a BigTIFF.
 *
 * Source: TIFF 6.0, section 2.
 */
export const tiffTag = (bytes: Uint8Array, tag: number): number | undefined => {
  if (bytes.length < 8) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const little = bytes[0] === 0x49
  const directory = view.getUint32(4, little)
  if (view.getUint16(2, little) !== 42 || directory + 2 > bytes.length) return undefined
  const end = directory + 2 + view.getUint16(directory, little) * 12
  if (end > bytes.length) return undefined
  for (let at = directory + 2; at < end; at += 12) {
    if (view.getUint16(at, little) !== tag) continue
    const type = view.getUint16(at + 2, little)
    return type === 3 ? view.getUint16(at + 8, little) : type === 4 ? view.getUint32(at + 8, little) : undefined
  }
  return undefined
}
