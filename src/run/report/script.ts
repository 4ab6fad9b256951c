/**
 * The only script of a page: a click on a column's heading sorts its table, Escape closes a large photo, and paper has
 * what is folded. Without it, the tables stand as they are, and a click or Enter closes a photo.
 *
 * Its digest is in the page's Content-Security-Policy, so that no other script can run, whatever a label holds.
 */
export const script = `
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0]
  ;[...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = document.createElement("button")
    button.type = "button"
    button.append(...head.childNodes)
    head.append(button)
    button.addEventListener("click", () => {
      const ascending = head.getAttribute("aria-sort") === "descending"
      const valueOf = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent
      const rows = [...body.rows].sort((a, b) => {
        const x = valueOf(a)
        const y = valueOf(b)
        const order = isNaN(x) || isNaN(y) ? (x < y ? -1 : x > y ? 1 : 0) : x - y
        return ascending ? order : -order
      })
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort")
      head.setAttribute("aria-sort", ascending ? "ascending" : "descending")
      body.append(...rows)
    })
  })
}
addEventListener("keydown", ({ key }) => {
  if (key === "Escape") for (const details of document.querySelectorAll("details.zoom[open]")) details.open = false
})
addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details:not(.values, .zoom)")) details.open = true
})
`
