import type { Html } from "../html.ts"
import { html } from "../html.ts"

/** A number with its name, and a line more about it. */
export const card = (name: string, value: string, more: string): Html =>
  html`<div class="card"><span>${name}</span><b>${value}</b><span>${more}</span></div> `
