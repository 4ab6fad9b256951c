/** Whether a file of a wheel or an archive is a library or a header that the addon needs; paths with slashes. */
export const isKept = (path: string): boolean => {
  const parts = path.split("/")
  // A path that leaves the folder is nobody's library.
  if (path.startsWith("/") || parts.includes("..")) return false
  return isLibrary(path) || isHeader(path)
}

/** TensorFlow's libraries, wherever they lie, and NVIDIA's of the wheels that TensorFlow's needs. */
const isLibrary = (path: string): boolean =>
  /(^|\/)libtensorflow(_cc|_framework)?\.so(\.\d+)*$/.test(path) || /^nvidia\/[^/]+\/lib\/[^/]+\.so(\.\d+)*$/.test(path)

/** TensorFlow's C interface, what that includes, and the name under which its logging library hides. */
const isHeader = (path: string): boolean =>
  /(^|\/)include\/(.*\/)?(tensorflow\/c|tsl\/c|xla\/tsl\/c)\/.*\.h$/.test(path) ||
  /(^|\/)include\/(.*\/)?platform\/ctstring(_internal)?\.h$/.test(path) ||
  /(^|\/)include\/(.*\/)?absl\/base\/options\.h$/.test(path)
