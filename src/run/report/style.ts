import { raw } from "./html.ts"
import { variables } from "./palette.ts"

/** The style of every page: two themes, one column on a phone, and paper. */
export const style = raw(`
:root { color-scheme: light dark; ${variables("light")} }
@media (prefers-color-scheme: dark) { :root { ${variables("dark")} } }
* { box-sizing: border-box }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, "Segoe UI", Roboto, sans-serif; overflow-wrap: anywhere; -webkit-text-size-adjust: 100% }
main, header, footer { max-width: 1240px; margin: 0 auto; padding: 0 16px }
header { padding-top: 28px }
h1 { font-size: 26px; line-height: 1.2; margin: 0 0 4px; overflow-wrap: anywhere }
h2 { font-size: 19px; margin: 40px 0 10px; padding-top: 10px; border-top: 1px solid var(--line) }
h3 { font-size: 15px; margin: 18px 0 6px }
p { margin: 6px 0; max-width: 75ch }
.quiet, figcaption, footer { color: var(--quiet) }
.note { border-left: 3px solid var(--c4); background: var(--panel); padding: 8px 12px; margin: 10px 0; max-width: none; overflow-wrap: anywhere }
a { color: var(--c0) }
nav { margin: 14px 0 0; display: flex; flex-wrap: wrap; gap: 4px 14px; font-size: 14px }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(164px, 1fr)); gap: 10px; margin: 20px 0 8px }
.card { background: var(--panel); border: 1px solid var(--line); border-radius: 6px; padding: 10px 12px }
.card b { display: block; font-size: 22px; line-height: 1.25; font-variant-numeric: tabular-nums }
.card span { display: block; font-size: 13px; color: var(--quiet) }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 440px), 1fr)); gap: 18px 28px }
figure { margin: 8px 0; min-width: 0 }
figcaption { font-size: 13px }
svg.chart { display: block; max-width: 100%; height: auto; overflow: visible; color: var(--ink) }
svg.chart text { white-space: pre }
.scroll { overflow-x: auto; max-width: 100%; -webkit-overflow-scrolling: touch; background: linear-gradient(to right, var(--page) 40%, transparent) left / 36px 100% local no-repeat, linear-gradient(to left, var(--page) 40%, transparent) right / 36px 100% local no-repeat, linear-gradient(to top, var(--page) 40%, transparent) bottom / 100% 36px local no-repeat, linear-gradient(to right, var(--line), transparent) left / 12px 100% no-repeat, linear-gradient(to left, var(--line), transparent) right / 12px 100% no-repeat, linear-gradient(to top, var(--line), transparent) bottom / 100% 12px no-repeat }
.scroll:focus-visible { outline: 2px solid var(--c0); outline-offset: 2px }
.scroll svg.chart { max-width: none }
table { border-collapse: collapse; font-size: 14px; font-variant-numeric: tabular-nums }
th, td { text-align: right; padding: 3px 10px; border-bottom: 1px solid var(--line); vertical-align: top; white-space: nowrap }
th { font-weight: 600; white-space: normal; overflow-wrap: break-word; vertical-align: bottom; position: sticky; top: 0; background: var(--page) }
th:first-child, td:first-child, .text { text-align: left }
td:first-child, td.text { white-space: normal; overflow-wrap: anywhere; min-width: 68px }
td:first-child:not(:only-child) { min-width: 96px }
th.name, th.text { overflow-wrap: anywhere; min-width: 52px }
td.wrap { min-width: 160px }
td.word { overflow-wrap: break-word }
tr.ours td { background: var(--panel); font-weight: 600 }
th button { all: unset; cursor: pointer; font-weight: 600 }
th button:focus-visible { outline: 2px solid var(--c0) }
th[aria-sort=ascending] button::after { content: " ▲" }
th[aria-sort=descending] button::after { content: " ▼" }
.tall { max-height: 560px; overflow: auto }
.value { display: inline-block; min-width: 4.4em; text-align: right }
.box { display: inline-block; text-align: left; margin-right: 6px }
.bar { print-color-adjust: exact; -webkit-print-color-adjust: exact; display: inline-block; height: 9px; background: var(--c0); border-radius: 1px }
.photos { display: grid; grid-template-columns: repeat(auto-fill, minmax(132px, 1fr)); gap: 12px }
.photo { font-size: 12.5px; line-height: 1.35; min-width: 0; overflow-wrap: anywhere; break-inside: avoid }
.photo img, .photo .none { width: 84px; height: 84px; object-fit: contain; background: #fff; border: 1px solid var(--line); display: block; margin-bottom: 4px }
.photo .none { background: var(--panel); color: var(--quiet); display: grid; place-items: center; text-align: center; font-size: 11px }
.zoom { display: block; margin: 0 0 4px }
.zoom > summary { list-style: none; display: block; cursor: zoom-in; width: fit-content; max-width: 100% }
.zoom > summary::-webkit-details-marker { display: none }
.zoom > summary:focus-visible { outline: 2px solid var(--c0); outline-offset: 2px }
.zoom .seen { display: block; position: relative; width: fit-content; line-height: 0 }
.zoom .seen img { margin: 0 }
.zoom .caption { display: none }
.zoom .heat { position: absolute; inset: 0; width: 100%; height: 100%; fill: #000; print-color-adjust: exact; -webkit-print-color-adjust: exact }
.photo .zoom .seen:has(.heat) img { width: auto; height: 100px; max-width: 128px; object-fit: fill }
@media screen {
  .zoom[open] > summary { position: fixed; inset: 0; z-index: 9; width: auto; max-width: none; display: grid; place-content: center; justify-items: center; gap: 10px; padding: 16px; background: var(--page); cursor: zoom-out }
  .zoom[open] .seen img, .zoom[open] .seen:has(.heat) img { width: auto; height: min(76vh, 92vw, 480px); max-width: 92vw; object-fit: contain }
  .zoom[open] .caption { display: block; font-size: 15px; max-width: 60ch; text-align: center; overflow-wrap: anywhere }
}
.wrong { color: var(--wrong) }
.pair { border: 1px solid var(--line); border-radius: 6px; padding: 10px 12px; margin: 10px 0; break-inside: avoid }
.pair > div { display: flex; flex-wrap: wrap; gap: 8px 28px }
.pair h3 { margin: 0 0 6px }
.strip { display: flex; gap: 6px; flex-wrap: wrap }
.strip > div { font-size: 12px; width: 72px }
.strip img, .strip .none { width: 72px; height: 72px; object-fit: contain; background: #fff; border: 1px solid var(--line) }
.strip .none { background: var(--panel); color: var(--quiet); font-size: 10px; overflow: hidden; overflow-wrap: anywhere; padding: 3px }
details { margin: 8px 0 }
summary { cursor: pointer }
.part { border-top: 1px solid var(--line); margin: 0; padding: 6px 0 }
.part > summary { font-weight: 600; padding: 4px 0 }
code, pre { font: 13px/1.45 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; overflow-wrap: anywhere }
pre { white-space: pre-wrap; background: var(--panel); padding: 10px 12px; border-radius: 6px }
dl { display: grid; grid-template-columns: fit-content(40%) minmax(0, 1fr); gap: 2px 16px; margin: 8px 0; font-size: 14px }
dt { color: var(--quiet); overflow-wrap: anywhere }
details.values { font-size: 13px; color: var(--quiet) }
details.values table { color: var(--ink) }
dd { margin: 0; overflow-wrap: anywhere }
footer { padding: 36px 16px 28px; font-size: 13px }
@media (max-width: 560px) {
  body { font-size: 15px }
  h1 { font-size: 22px }
  .cards { grid-template-columns: 1fr 1fr }
  .card b { font-size: 19px }
  .photos { grid-template-columns: repeat(auto-fill, minmax(102px, 1fr)); gap: 10px }
  th, td { padding: 4px 7px }
  dl { grid-template-columns: minmax(0, 1fr) }
  dd { margin-bottom: 6px }
}
@media screen {
  .dense th, .dense td { padding: 3px 6px; font-size: 13px }
  .dense th { white-space: normal }
}
@media print {
  :root { color-scheme: light; ${variables("light")} }
  @page { margin: 14mm }
  body { font-size: 10pt }
  nav { display: none }
  main, header, footer { max-width: none; padding-left: 0; padding-right: 0 }
  .tall { max-height: none }
  .scroll, .tall { overflow: visible; background: none }
  details.values { display: none }
  svg.chart { max-height: 70mm }
  .scroll svg.chart { width: auto; max-width: 100%; max-height: 128mm }
  p, .scroll:not(:has(tr:nth-child(16))) { break-inside: avoid }
  summary { break-after: avoid }
  h2 { margin-top: 18px; font-size: 14pt }
  section > p { break-after: avoid; max-width: none }
  .cards { grid-template-columns: repeat(6, 1fr); gap: 6px }
  .card { padding: 5px 7px }
  .card b { font-size: 11pt }
  .card span { font-size: 7.5pt }
  .photos { grid-template-columns: repeat(6, 1fr); gap: 8px }
  .photo { font-size: 8pt }
  .photo .zoom .seen:has(.heat) img { height: 84px; max-width: 100px }
  .pair { padding: 4px 8px; margin: 5px 0 }
  .pair h3 { margin-bottom: 2px }
  .strip > div, .strip img, .strip .none { width: 56px }
  .strip img, .strip .none { height: 56px }
  pre { columns: 2; font-size: 7pt }
  th { position: static }
  table { font-size: 7.5pt }
  th, td { padding: 1px 3px; white-space: normal }
  td:first-child:not(:only-child), td.text, th.name, th.text { min-width: 0 }
  figure, tr, .card, .photo { break-inside: avoid }
  h2, h3 { break-after: avoid }
  .charts { grid-template-columns: 1fr 1fr }
}
`)
