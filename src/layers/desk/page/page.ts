/**
 * The desk's page: a document, a style and modules, all served by the desk itself.
 *
 * The modules in `client/` are the sources where Weft runs from its sources, without their types, and what TypeScript has
 * made of them in the published package. No bundler is needed for either.
 */
import { createHash } from "node:crypto"
import { globSync, readFileSync } from "node:fs"
import { stripTypeScriptTypes } from "node:module"
import { fileURLToPath } from "node:url"
import { escape } from "../../../run/report/html.ts"
import { texts } from "./client/texts.ts"
import { style } from "./style.ts"

export interface PageFile {
  /** The media type. */
  readonly type: string
  readonly bytes: Uint8Array
}

/**
 * What must be sent with `/`: scripts and styles are the desk's own files, nothing inline, nothing evaluated; no markup
 * from strings; nobody may frame the page.
 */
export const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'"
].join("; ")

/** Of this file and those beside it: `.ts` in the sources, `.js` in the package. */
const extension = import.meta.url.endsWith(".ts") ? ".ts" : ".js"

/** JavaScript of a source. Node's loader does the same, but says of this function alone that it may change. */
const withoutTypes = (source: string): string => {
  const { emitWarning } = process
  process.emitWarning = () => {}
  try {
    return stripTypeScriptTypes(source)
  } finally {
    process.emitWarning = emitWarning
  }
}

/** The modules by their paths below the page's folder. */
const modules = (): ReadonlyMap<string, string> => {
  const folder = new URL("client/", import.meta.url)
  const names = globSync(`**/*${extension}`, { cwd: fileURLToPath(folder), exclude: ["**/*.d.ts"] })
    .map((name) => name.replaceAll("\\", "/"))
    .sort()
  const own = names.map((name) => {
    const source = readFileSync(new URL(name, folder), "utf8")
    const script = extension === ".ts" ? withoutTypes(source) : source.replace(/^\/\/# sourceMappingURL=.*$/m, "")
    const up = "../".repeat(name.split("/").length - 1) || "./"
    return [name, script.replaceAll(/(from\s*)"preact"/g, `$1"${up}preact.js"`)] as const
  })
  const preact = readFileSync(fileURLToPath(import.meta.resolve("preact")), "utf8")
  return new Map([...own, ["preact.js", preact.replace(/^\/\/# sourceMappingURL=.*$/m, "")]])
}

const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="6" fill="#0072b2"/><path d="M7 10h18M7 16h18M7 22h18" stroke="#fff" stroke-width="2.4"/><path d="M11 7v18M21 7v18" stroke="#9ad1f5" stroke-width="2.4"/></svg>`

const documentOf = (base: string, scripts: Iterable<string>): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${escape(texts.title)}</title>
<link rel="icon" href="${base}icon.svg">
<link rel="stylesheet" href="${base}style.css">
${Array.from(scripts, (name) => `<link rel="modulepreload" href="${base}${name}">`).join("\n")}
<script type="module" src="${base}main${extension}"></script>
</head>
<body><div id="desk"></div><noscript>${escape(texts.noScript)}</noscript></body>
</html>
`

const build = (): ReadonlyMap<string, PageFile> => {
  const scripts = modules()
  const hash = createHash("sha256").update(style).update(icon)
  for (const [name, script] of scripts) hash.update(name).update(script)
  // A path of its own for each version, so that a browser may keep the files, and never mixes two versions.
  const base = `/page/${hash.digest("hex").slice(0, 16)}/`
  const text = new TextEncoder()
  const file = (type: string, content: string): PageFile => ({ type, bytes: text.encode(content) })
  return new Map([
    ["/", file("text/html; charset=utf-8", documentOf(base, scripts.keys()))],
    [`${base}style.css`, file("text/css; charset=utf-8", style)],
    [`${base}icon.svg`, file("image/svg+xml", icon)],
    ...Array.from(
      scripts,
      ([name, script]) => [`${base}${name}`, file("text/javascript; charset=utf-8", script)] as const
    )
  ])
}

let built: ReadonlyMap<string, PageFile> | undefined

/** The page's files by their paths; `/` is the page. All others may be cached for ever: their paths change with them. */
export const deskPage = {
  get files(): ReadonlyMap<string, PageFile> {
    built ??= build()
    return built
  }
}
