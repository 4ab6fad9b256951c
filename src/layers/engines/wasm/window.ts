/** The pixels of a window that lie in the image, along one axis. */
export const inside = (start: number, size: number, length: number) => {
  const from = Math.max(0, start)
  return { from, count: Math.min(length, start + size) - from }
}
