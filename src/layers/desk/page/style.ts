import { variables } from "../../../run/report/palette.ts"

/** The page's style: two themes, a desk and a phone. What changes while somebody works has its room before. */
export const style = `
:root { color-scheme: light dark; ${variables("light")} --paper: #fff; --here: #e3f0f8; --mark: #0072b2; --onMark: #fff; --stage: #eceff1; --shadow: 0 6px 28px #0003 }
@media (prefers-color-scheme: dark) { :root { ${variables("dark")} --paper: #1d2328; --here: #17364a; --mark: #56b4e9; --onMark: #0b1318; --stage: #0e1215; --shadow: 0 6px 28px #000a } }
* { box-sizing: border-box }
html, body { height: 100% }
body { margin: 0; background: var(--page); color: var(--ink); font: 14px/1.4 system-ui, "Segoe UI", Roboto, sans-serif; -webkit-text-size-adjust: 100%; overflow-wrap: anywhere; font-variant-numeric: tabular-nums }
#desk { height: 100%; display: flex; flex-direction: column }
h1 { font-size: 20px; line-height: 1.25; margin: 0; font-weight: 600 }
h2 { font-size: 15px; margin: 26px 0 8px; font-weight: 600 }
h3 { font-size: 12px; margin: 10px 0 4px; font-weight: 600; color: var(--quiet) }
p { margin: 0 }
ol, ul { margin: 0; padding: 0; list-style: none }
.verdict ul { list-style: disc; padding-left: 18px; margin: 6px 0 }
dl, dd { margin: 0 }
small { display: block; font-size: 12px }
a { color: var(--c0) }
.quiet { color: var(--quiet) }
.large { font-size: 18px }
kbd { font: 11px/1 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; color: var(--quiet); border: 1px solid var(--line); border-radius: 3px; padding: 2px 4px; min-width: 17px; display: inline-block; text-align: center; background: var(--page) }
kbd.none { visibility: hidden }
button { font: inherit; color: inherit; background: var(--paper); border: 1px solid var(--line); border-radius: 5px; padding: 5px 10px; display: inline-flex; gap: 7px; align-items: center; justify-content: center; cursor: pointer; touch-action: manipulation; white-space: nowrap }
button:hover:not(:disabled) { border-color: var(--quiet) }
button:disabled { opacity: .45; cursor: default }
button.first { background: var(--mark); border-color: var(--mark); color: var(--onMark); font-weight: 600 }
button.first kbd { color: inherit; background: none; border-color: currentColor }
input, select { font: inherit; color: inherit; background: var(--paper); border: 1px solid var(--line); border-radius: 5px; padding: 7px 10px; min-width: 0 }
input { font-size: 16px; width: 100% }
input::placeholder { color: var(--quiet); opacity: 1 }
:focus-visible { outline: 2px solid var(--c0); outline-offset: 1px }
select { padding: 3px 6px; font-size: 13px; max-width: 160px }
header { display: flex; align-items: stretch; justify-content: space-between; gap: 12px; height: 42px; flex: none; border-bottom: 1px solid var(--line); padding: 0 14px 0 6px }
nav { display: flex; min-width: 0 }
nav button { border: 0; border-radius: 0; background: none; padding: 0 11px; color: var(--quiet); border-bottom: 2px solid transparent; border-top: 2px solid transparent }
nav button.here { color: var(--ink); border-bottom-color: var(--mark); font-weight: 600 }
nav button:hover:not(:disabled) { border-color: transparent; color: var(--ink) }
nav button.here:hover:not(:disabled) { border-bottom-color: var(--mark) }
nav kbd { border: 0; background: none; padding: 0; min-width: 0; opacity: .75 }
.facts { display: flex; align-items: center; gap: 14px; font-size: 13px; min-width: 0 }
header .count { color: var(--quiet); white-space: nowrap }
.operator { max-width: 14ch; overflow: hidden; text-overflow: ellipsis; white-space: nowrap }
.saved { border: 0; background: none; padding: 4px; min-width: 34px; justify-content: flex-start; gap: 5px }
.saved i { width: 9px; height: 9px; border-radius: 50%; background: var(--c2); flex: none }
.saved.sending i { background: var(--c4) }
.saved.offline { color: var(--wrong); font-weight: 600 }
.saved.offline i { background: var(--wrong) }
.help { border: 0; background: none; padding: 4px }
main { flex: 1; min-height: 0 }
.nothing { display: grid; place-content: center; text-align: center; gap: 4px; min-height: 200px }

.tag { display: grid; grid-template-columns: minmax(0, 1fr) 430px; grid-template-rows: minmax(0, 1fr) }
.stage { position: relative; overflow: hidden; background: var(--stage); cursor: zoom-in; touch-action: pinch-zoom; user-select: none }
.stage.zoomed { cursor: zoom-out; touch-action: none }
.stage .photo { position: absolute; inset: 16px; width: calc(100% - 32px); height: calc(100% - 32px); object-fit: contain; color: transparent }
.stage .later { visibility: hidden }
.over { position: absolute; inset: auto 0 16px; text-align: center }
.side { border-left: 1px solid var(--line); padding: 10px 14px; display: flex; flex-direction: column; gap: 8px; min-height: 0; overflow-y: auto }
.about { display: grid; grid-template-columns: minmax(0, 1fr) auto; gap: 4px 10px; align-items: center; font-size: 13px; height: 52px; flex: none }
.about .name { grid-column: 1 / -1; font-size: 14px; min-width: 0; overflow: hidden; text-overflow: ellipsis; white-space: nowrap }
.columns { border: 1px solid var(--line); border-radius: 5px; flex: none }
.column { display: grid; grid-template-columns: 9.5em minmax(0, 1fr) auto; gap: 10px; padding: 5px 10px; border-bottom: 1px solid var(--line); cursor: pointer; border-left: 3px solid transparent; color: var(--quiet) }
.column:last-child { border-bottom: 0 }
.column.here { background: var(--here); border-left-color: var(--mark); color: var(--ink) }
.column .name, .column .value { overflow: hidden; text-overflow: ellipsis; white-space: nowrap }
.column.settled .value { color: var(--ink); font-weight: 600 }
.banner { min-height: 20px; font-size: 13px; line-height: 20px; color: var(--quiet); flex: none }
.banner.strong { color: var(--wrong); font-weight: 600 }
input.text { border-style: dashed; border-color: var(--mark) }
.options { display: grid; grid-auto-rows: 36px; align-content: start; gap: 2px; flex: none }
.tag .options { height: 340px }
.many .options { grid-auto-rows: 30px; height: 286px }
.many .near { min-height: 150px }
.option { position: relative; display: grid; grid-template-columns: auto minmax(0, 1fr) auto; gap: 10px; align-items: center; padding: 0 10px; border-radius: 5px; border: 1px solid transparent; cursor: pointer; overflow: hidden; touch-action: manipulation }
.option.here { border-color: var(--mark); background: var(--here) }
.option:not(.here):hover { background: var(--panel) }
.option .label { font-size: 16px; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; z-index: 1 }
.option.here .label { font-weight: 600 }
.option .whence { color: var(--quiet); font-size: 13px; z-index: 1; max-width: 12em; overflow: hidden; text-overflow: ellipsis; white-space: nowrap }
.option.here .whence { color: var(--ink) }
.option .tagged { border: 1px solid var(--line); border-radius: 9px; padding: 0 7px; background: var(--page) }
.option:has(.tick) { grid-template-columns: auto 16px minmax(0, 1fr) auto }
.option .tick { width: 16px; height: 16px; line-height: 15px; text-align: center; font-size: 13px; font-weight: 700; border: 1px solid var(--quiet); border-radius: 4px; color: var(--paper); z-index: 1 }
.option.ticked .tick { background: var(--mark); border-color: var(--mark) }
.option .bar { position: absolute; inset: auto auto 0 10px; max-width: calc(100% - 20px); border-radius: 2px; height: 3px; background: var(--mark); opacity: .55 }
.option kbd { z-index: 1 }
.actions { display: flex; flex-wrap: wrap; gap: 6px; flex: none }
.near { min-height: 176px; flex: none }
.strip > div { display: flex; gap: 5px; height: 62px; overflow: hidden }
.strip h3 { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; margin-top: 6px }
.strip .thumbnail { width: 62px; height: 62px }
.thumbnail { object-fit: contain; background: #fff; border-radius: 3px; color: transparent; display: block }

.choose { max-width: 560px; width: 100%; margin: 0 auto; padding: 18px 14px; display: flex; flex-direction: column; gap: 10px }
.choose input { flex: none }
.classes { overflow-y: auto; min-height: 0; flex: 1 }
.tabs { display: flex; flex-wrap: wrap; gap: 4px }
.tabs button { padding: 4px 9px; color: var(--quiet) }
.tabs .here { border-color: var(--mark); background: var(--here); color: var(--ink); font-weight: 600 }
.photos { display: flex; flex-direction: column; min-height: 0; padding: 10px 14px; gap: 8px }
.gridHead { display: flex; gap: 16px; align-items: baseline; flex: none }
.rows { flex: 1; min-height: 0; display: grid; grid-template-rows: repeat(4, minmax(0, 1fr)); gap: 6px }
.row { display: grid; grid-template-columns: repeat(10, minmax(0, 1fr)); grid-template-rows: minmax(0, 1fr); gap: 6px; min-height: 0 }
.row:nth-child(3) { margin-left: 2.5%; margin-right: -2.5% }
.row:nth-child(4) { margin-left: 7%; margin-right: -7% }
.cell { display: grid; grid-template-rows: minmax(0, 1fr) auto; gap: 3px; padding: 3px; min-height: 0; position: relative; border-color: var(--line); justify-content: stretch; align-items: stretch }
.cell .thumbnail { width: 100%; height: 100%; min-height: 0 }
.cell .foot { display: flex; justify-content: space-between; align-items: center; font-size: 12px; color: var(--quiet); padding: 0 2px }
.cell.here { outline: 2px solid var(--mark); outline-offset: -1px }
.cell.wrong { border-color: var(--wrong); background: var(--wrong) }
.cell.wrong .thumbnail { opacity: .5 }
.cell.wrong .foot { color: var(--page) }
.cell.wrong::after { content: "✕"; position: absolute; inset: 0 0 20px; display: grid; place-content: center; font-size: 34px; color: var(--page); font-weight: 700 }
.cell.gone { opacity: .25 }
.bottom { padding-top: 2px }
.later { visibility: hidden; position: absolute; pointer-events: none }
div.later { width: 0; height: 0; overflow: hidden }
.touch { display: none }

.audit { display: grid; grid-template-columns: minmax(340px, 5fr) 8fr; min-height: 0 }
.audit .left { display: flex; flex-direction: column; gap: 8px; min-height: 0; padding: 10px 0 0 14px }
.hint { font-size: 13px }
.entries { overflow-y: auto; flex: 1; min-height: 0; padding: 2px 14px 14px 2px }
.entry { display: grid; grid-template-columns: auto minmax(0, 1fr) auto; gap: 10px; align-items: center; padding: 4px 8px; border: 1px solid transparent; border-radius: 5px; cursor: pointer }
.entry.here { background: var(--here); border-color: var(--mark) }
.entry .thumbnail { width: 44px; height: 44px }
.entry .what { min-width: 0 }
.entry .what > * { display: block; overflow: hidden; text-overflow: ellipsis; white-space: nowrap }
.entry .what b { font-weight: 600 }
.entry .what > .quiet { font-size: 13px }
.entry .whence { color: var(--quiet); font-size: 13px }
.detail { display: grid; grid-template-rows: minmax(0, 1fr) auto; border-left: 1px solid var(--line); min-height: 0 }
.detail .stage { cursor: default }
.detail .facts { display: block; padding: 12px 16px; font-size: 14px; overflow-y: auto; max-height: 46vh; min-height: 250px }
.facts dl { display: grid; grid-template-columns: auto minmax(0, 1fr); gap: 3px 14px; margin-bottom: 10px; min-height: 46px }
.facts dt { color: var(--quiet) }
.log li { display: grid; grid-template-columns: 8.5em minmax(0, 1fr) minmax(0, 1.4fr) minmax(0, 1fr); gap: 10px; font-size: 13px; padding: 2px 0 }
.log time { color: var(--quiet) }
.keysLine { display: none }

.page { overflow-y: auto; padding: 18px 22px 40px; width: 100%; max-width: 1180px; margin: 0 auto }
.stack { display: flex; height: 12px; border-radius: 6px; overflow: hidden; background: var(--stage) }
.stack span { flex-basis: 0 }
.stack .answered { background: var(--c2) }
.stack .labelled { background: var(--c0) }
.stack .skipped { background: var(--c4) }
.stack .open { background: var(--line) }
.counts { display: flex; flex-wrap: wrap; gap: 6px 28px; margin-top: 12px }
.counts div { display: flex; flex-direction: column-reverse; border-left: 3px solid transparent; padding-left: 8px }
.counts .answered { border-color: var(--c2) }
.counts .labelled { border-color: var(--c0) }
.counts .skipped { border-color: var(--c4) }
.counts .open { border-color: var(--line) }
.counts dt { color: var(--quiet); font-size: 13px }
.counts dd { font-size: 19px; font-weight: 600 }
.scroll { overflow-x: auto }
table { border-collapse: collapse; margin: 8px 0 }
th, td { overflow-wrap: normal; text-align: right; padding: 5px 12px; border-bottom: 1px solid var(--line); vertical-align: top }
th { font-weight: 600; font-size: 13px; color: var(--quiet); vertical-align: bottom }
th:first-child, td:first-child { text-align: left; padding-left: 0 }
td:first-child { max-width: 18em; min-width: 6em; overflow-wrap: break-word }
td:not(:first-child) { white-space: nowrap }
td b { font-weight: 600 }
td .quiet { white-space: nowrap; font-size: 13px }
.retraining { display: flex; justify-content: space-between; gap: 16px; align-items: flex-start; border: 1px solid var(--line); border-radius: 6px; padding: 12px 14px; background: var(--panel); min-height: 66px }
.retraining .actions { flex-wrap: nowrap }
progress { width: 100%; max-width: 340px; accent-color: var(--mark) }
.models .entries { margin: 14px 0; padding: 0; max-height: 300px; flex: none }
.models .entry { grid-template-columns: 8.5em minmax(0, 1fr) }
.state { font-size: 12px; border: 1px solid var(--line); border-radius: 10px; padding: 1px 8px; text-align: center; background: var(--page) }
.state.live { background: var(--c2); border-color: var(--c2); color: #06281d; font-weight: 600 }
.state.passed { border-color: var(--c2) }
.state.heldBack { border-color: var(--wrong); color: var(--wrong) }
.verdict { margin-top: 10px }
.verdict .held { color: var(--wrong); font-weight: 600 }
.verdict .passes { font-weight: 600 }

.notices { position: fixed; left: 14px; bottom: 60px; display: flex; flex-direction: column; gap: 6px; z-index: 5; max-width: min(520px, calc(100vw - 28px)); pointer-events: none }
.notice { pointer-events: auto; display: flex; gap: 8px; align-items: center; background: var(--ink); color: var(--page); border-radius: 6px; padding: 8px 12px; box-shadow: var(--shadow) }
.notice p { flex: 1 }
.notice.problem { background: var(--paper); color: var(--ink); border: 1px solid var(--wrong); border-left-width: 4px }
.commands { position: fixed; inset: auto 0 0; z-index: 6; background: var(--panel); border-top: 2px solid var(--mark); padding: 10px 14px; display: flex; flex-wrap: wrap; gap: 6px; box-shadow: var(--shadow) }
.above { position: fixed; inset: 0; z-index: 7; background: #0007; display: grid; place-items: center; padding: 16px; overflow-y: auto }
.card { background: var(--page); border: 1px solid var(--line); border-radius: 8px; padding: 20px 24px; box-shadow: var(--shadow); max-width: 100% }
.card.help { max-width: 940px; border-color: var(--line); display: block }
.card .actions { margin-top: 14px }
.groups { columns: 2; column-gap: 40px; margin: 6px 0 14px }
.groups > div { break-inside: avoid }
.groups dl { display: grid; grid-template-columns: 8.5em minmax(0, 1fr); gap: 4px 10px }
.signIn { display: grid; place-items: center; padding: 16px }
.signIn .card { width: 340px; display: flex; flex-direction: column; gap: 8px }
.signIn .message { min-height: 40px; color: var(--wrong); font-size: 13px }

@media (max-width: 1080px) { header .agreement, header kbd { display: none } .tag { grid-template-columns: minmax(0, 1fr) 360px } }
@media (max-width: 860px) {
  header { padding: 0 6px; height: 46px; gap: 4px }
  nav button { padding: 0 8px; font-size: 14px }
  .facts { gap: 4px }
  header .count, .operator, header .help { display: none }
  kbd { display: none }
  .tag { display: flex; flex-direction: column }
  .tag .stage, .tag > .nothing { flex: 1 1 40%; min-height: 150px }
  .stage .photo { inset: 6px; width: calc(100% - 12px); height: calc(100% - 12px) }
  .side { border-left: 0; border-top: 1px solid var(--line); padding: 6px 10px calc(8px + env(safe-area-inset-bottom)); gap: 6px; flex: none; max-height: 72% }
  .about { height: 26px; display: flex }
  .about .name { flex: 1 }
  .about > .quiet { display: none }
  .column { grid-template-columns: 7.5em minmax(0, 1fr) auto }
  .tag .options, .many .options { grid-auto-rows: 42px; height: 218px; overflow-y: auto; gap: 2px }
  .option { grid-template-columns: minmax(0, 1fr) auto; border-color: var(--line); background: var(--paper) }
  .option:has(.tick) { grid-template-columns: 16px minmax(0, 1fr) auto }
  .choose .option { grid-template-columns: minmax(0, 1fr) auto; min-height: 42px }
  .choose .options { grid-auto-rows: 44px }
  .actions button { min-height: 42px; flex: 1 }
  .zoomer, .near { display: none }
  .many .all { flex: 2 }
  .photos { padding: 8px }
  .gridHead { flex-direction: column; gap: 0 }
  .keys { display: none }
  .touch { display: block }
  .rows { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); grid-template-rows: repeat(4, minmax(0, 1fr)); gap: 5px }
  .row { display: contents }
  .cell .foot { justify-content: center }
  .photos .bottom .first { flex: 1 0 100% }
  .audit { display: flex; flex-direction: column; overflow-y: auto; min-height: 0 }
  .audit .left { padding: 8px 8px 0; flex: none }
  .audit .entries { max-height: 40vh; padding: 2px }
  .tabs { flex-wrap: nowrap; overflow-x: auto }
  .detail { border-left: 0; border-top: 1px solid var(--line); display: block; min-height: 0 }
  .detail .stage { height: 230px }
  .detail .facts { max-height: none; padding: 10px }
  .log li { grid-template-columns: 8em minmax(0, 1fr); gap: 0 10px }
  .page { padding: 12px }
  .retraining { flex-direction: column }
  .retraining .actions { width: 100% }
  .models .entry { grid-template-columns: 7em minmax(0, 1fr) }
  .groups { columns: 1 }
  .notices { left: 8px; bottom: auto; top: 54px; max-width: calc(100vw - 16px) }
}
@media (prefers-reduced-motion: no-preference) { .notice { animation: come .12s ease-out } @keyframes come { from { opacity: 0; transform: translateY(4px) } } }
`
