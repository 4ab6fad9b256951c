import { Redacted } from "effect"

/** A server's answer, wherever it led. */
export interface Answer {
  readonly response: Response
  /** Headers of the first server's own answers, up to its redirect to another server. */
  readonly own: ReadonlyArray<Headers>
  /** Whether another server gave the answer. */
  readonly isElsewhere: boolean
}

const mostRedirects = 5

/**
 * Asks for an address and follows where it leads. The token is for the asked server alone: another name, port or
 * protocol does not get it. Rejects with what fetch throws, and where it leads in a circle or out of https.
 */
export const request = async (
  url: string,
  headers: Readonly<Record<string, string>>,
  token: Redacted.Redacted | undefined,
  signal: AbortSignal
): Promise<Answer> => {
  const own: Array<Headers> = []
  let address = new URL(url)
  let isElsewhere = false
  for (let hops = 0; hops <= mostRedirects; hops++) {
    const authorization = token === undefined || isElsewhere ? {} : { authorization: `Bearer ${Redacted.value(token)}` }
    const response = await fetch(address, { redirect: "manual", signal, headers: { ...headers, ...authorization } })
    if (!isElsewhere) own.push(response.headers)
    const location = response.headers.get("location")
    if (![301, 302, 303, 307, 308].includes(response.status) || location === null) return { response, own, isElsewhere }
    await response.body?.cancel()
    const next = new URL(location, address)
    if (address.protocol === "https:" && next.protocol !== "https:")
      throw new Error("the server redirects to an address without encryption")
    isElsewhere ||= next.origin !== address.origin
    address = next
  }
  throw new Error(`the server redirects more than ${mostRedirects} times`)
}

/**
 * Milliseconds that a server asks to wait, or none: `Retry-After` in seconds, or as a date, which is compared with the
 * server's own clock. Source: RFC 9110, 10.2.3.
 */
export const retryAfterOf = (headers: Headers): number | undefined => {
  const text = headers.get("retry-after")?.trim() ?? ""
  if (/^\d+$/.test(text)) return Number(text) * 1000
  const wait = Date.parse(text) - Date.parse(headers.get("date") ?? "")
  return Number.isNaN(wait) ? undefined : Math.max(0, wait)
}
