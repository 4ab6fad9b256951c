import { Effect } from "effect"
import type { Html } from "./html.ts"
import { html, raw } from "./html.ts"
import { script } from "./script.ts"
import { style } from "./style.ts"

/** A part of a page under a heading, which the contents link to. */
export interface Section {
  readonly id: string
  readonly heading: string
  readonly body: Html
}

const digestOf = (text: string) =>
  Effect.map(
    Effect.promise(() => crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))),
    (digest) => btoa(String.fromCharCode(...new Uint8Array(digest)))
  )

/**
 * A page as one file: style and script in it, nothing from outside, and a policy that forbids everything else.
 *
 * `frame-ancestors` and similar directives have no effect in a meta element, and are left out.
 */
export const page = Effect.fnUntraced(function* (options: {
  readonly title: string
  readonly subtitle: Html
  /** Before the sections, without a heading. */
  readonly summary: Html
  readonly sections: ReadonlyArray<Section>
  readonly footer: Html
  /** Of a page that is not the last one: what it is, for programs, and after how many seconds a browser looks again. */
  readonly unfinished?: { readonly state: string; readonly refresh: number | undefined }
}) {
  const policy = [
    "default-src 'none'",
    "img-src data:",
    "style-src 'unsafe-inline'",
    `script-src 'sha256-${yield* digestOf(script)}'`,
    "base-uri 'none'",
    "form-action 'none'"
  ].join("; ")
  const { footer, sections, subtitle, summary, title, unfinished } = options
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${policy}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="generator" content="Weft" />
        ${
          unfinished !== undefined &&
          html`<meta name="weft-state" content="${unfinished.state}" />
            ${unfinished.refresh !== undefined && html`<meta http-equiv="refresh" content="${unfinished.refresh}" />`}`
        }
        <title>${title}</title>
        <link rel="icon" href="data:," />
        <style>
          ${style}
        </style>
      </head>
      <body>
        <header>
          <h1>${title}</h1>
          <p class="quiet">${subtitle}</p>
          <nav>${sections.map(({ heading, id }) => html`<a href="#${id}">${heading}</a> `)}</nav>
        </header>
        <main>
          ${summary}
          ${sections.map(
            ({ body, heading, id }) =>
              html`<section id="${id}">
                <h2>${heading}</h2>
                ${body}
              </section> `
          )}
        </main>
        <footer>${footer}</footer>
        ${raw(`<script>${script}</script>`)}
      </body>
    </html> `.markup
})

/** Whether a page is one that was written while the run was going on, or when it stopped. */
export const isUnfinished = (markup: string): boolean => /<meta name="weft-state"/.test(markup.slice(0, 2_000))
