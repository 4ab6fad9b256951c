import { readdir } from "node:fs/promises"
import { join, relative } from "node:path"
import { createReadStream } from "node:fs"
import { BackendError } from "./BackendError.ts"

/** TensorFlow's libraries and headers in a folder. */
export interface Libraries {
  /** Libraries to link with: the one with TensorFlow's C interface, and the framework. */
  readonly link: ReadonlyArray<string>
  readonly framework: string
  /** Folders of headers. */
  readonly include: ReadonlyArray<string>
}

const missing = (folder: string, what: string) =>
  new BackendError({
    reason: "notFound",
    detail: `${folder} has no ${what}`,
    cure: "Name a folder with libtensorflow (lib, include), or the folder `tensorflow` of an installed TensorFlow package."
  })

/** The shortest name of a library with its major version: libtensorflow_cc.so.2 before libtensorflow_cc.so.2.21.0. */
const pick = (files: ReadonlyArray<string>, name: string): string | undefined => {
  const found = files.filter((file) => new RegExp(`(^|/)lib${name}\\.so(\\.\\d+)*$`).test(file))
  return found.find((file) => /\.so\.\d+$/.test(file)) ?? found.sort((a, b) => a.length - b.length)[0]
}

/** Finds TensorFlow's libraries and headers under a folder. */
export const findLibraries = async (folder: string): Promise<Libraries> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
  const main = pick(files, "tensorflow_cc") ?? pick(files, "tensorflow")
  if (main === undefined) throw missing(folder, "libtensorflow_cc.so or libtensorflow.so")
  const framework = pick(files, "tensorflow_framework")
  if (framework === undefined) throw missing(folder, "libtensorflow_framework.so")
  const header = "tensorflow/c/eager/c_api.h"
  const c = files.find((file) => file.endsWith(`include/${header}`))
  if (c === undefined) throw missing(folder, `header ${header}`)
  const include = join(folder, c.slice(0, -header.length))
  return {
    link: [main, framework].map((file) => join(folder, file)),
    framework: join(folder, framework),
    // Where TensorFlow's archives keep what its own headers include from other projects.
    include: [include, join(include, "external/local_tsl"), join(include, "external/local_xla")]
  }
}

/** Whether a library was built for NVIDIA's GPUs: it names the CUDA library that it loads. */
export const usesCuda = async (libraries: Libraries): Promise<boolean> => {
  for (const path of libraries.link) {
    let rest = ""
    for await (const chunk of createReadStream(path, { encoding: "latin1", highWaterMark: 1 << 22 })) {
      if ((rest + String(chunk)).includes("libcudart")) return true
      rest = String(chunk).slice(-16)
    }
  }
  return false
}
