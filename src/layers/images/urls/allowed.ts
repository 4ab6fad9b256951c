/** Which addresses images may be fetched from. */
import { lookup } from "node:dns"
import type { LookupAddress, LookupOptions } from "node:dns"
import { BlockList, isIP } from "node:net"
import type { UrlsConfig } from "../../../pipeline/DataConfig.ts"

type Hosts = UrlsConfig["hosts"]

/**
 * Addresses that are not of the public internet. Sources: the special-purpose registries of IANA, for IPv4 and IPv6;
 * 64:ff9b::/96, 2002::/16 and 2001::/32 lead to IPv4 addresses behind translators.
 */
const isPrivate = (() => {
  const list = new BlockList()
  for (const [address, prefix] of [
    ["0.0.0.0", 8],
    ["10.0.0.0", 8],
    ["100.64.0.0", 10],
    ["127.0.0.0", 8],
    ["169.254.0.0", 16],
    ["172.16.0.0", 12],
    ["192.0.0.0", 24],
    ["192.0.2.0", 24],
    ["192.88.99.0", 24],
    ["192.168.0.0", 16],
    ["198.18.0.0", 15],
    ["198.51.100.0", 24],
    ["203.0.113.0", 24],
    ["224.0.0.0", 4],
    ["240.0.0.0", 4]
  ] as const)
    list.addSubnet(address, prefix, "ipv4")
  for (const [address, prefix] of [
    ["::", 96],
    ["64:ff9b::", 96],
    ["64:ff9b:1::", 48],
    ["100::", 64],
    ["2001::", 23],
    ["2001:db8::", 32],
    ["2002::", 16],
    ["fc00::", 7],
    ["fe80::", 10],
    ["ff00::", 8]
  ] as const)
    list.addSubnet(address, prefix, "ipv6")
  return (address: string): boolean => {
    const family = isIP(address)
    // IPv4 in IPv6 (`::ffff:127.0.0.1`) is checked by the rules of IPv4.
    return family === 0 || list.check(address, family === 6 ? "ipv6" : "ipv4")
  }
})()

/** A URL's host without the brackets of IPv6 and a full stop at its end. */
const hostOf = ({ hostname }: URL): string =>
  hostname
    .replace(/^\[(.*)\]$/, "$1")
    .replace(/\.$/, "")
    .toLowerCase()

/** Whether an entry is this host itself, with any port or with this one. */
const names = (entry: string, url: URL): boolean => {
  const plain = entry.toLowerCase()
  return plain === hostOf(url) || plain === url.host.toLowerCase() || plain === url.hostname.toLowerCase()
}

const matches = (entry: string, url: URL): boolean =>
  entry.startsWith("*.") ? hostOf(url).endsWith(entry.slice(1).toLowerCase()) : names(entry, url)

/** Whether an address on a private network is allowed: its host is named, and not by a pattern. */
const isNamed = (hosts: Hosts, url: URL): boolean => hosts !== "any" && hosts.some((entry) => names(entry, url))

const onPrivate = (host: string): string =>
  `${host} is on a private network; name the host in \`data.urls.hosts\` if images are to be fetched from there`

/** Why a URL may not be fetched, as far as it says itself; undefined where it may. */
export const refusalOf = (url: URL, hosts: Hosts): string | undefined => {
  if (url.protocol !== "http:" && url.protocol !== "https:") return "it is no http or https URL"
  if (url.username !== "" || url.password !== "") return "it has a name or a password in it"
  const host = hostOf(url)
  if (hosts !== "any" && !hosts.some((entry) => matches(entry, url)))
    return `${url.host} is not among \`data.urls.hosts\``
  return isIP(host) !== 0 && isPrivate(host) && !isNamed(hosts, url) ? onPrivate(host) : undefined
}

/** A name leads to an address that is not allowed. */
export class AddressRefused extends Error {}

type Found = (error: Error | null, address: string | Array<LookupAddress>, family?: number) => void

/**
 * Looks a host's addresses up for a connection, and gives no private one unless the host is named. What is checked is what
 * is connected to: a name that leads elsewhere the next time gains nothing.
 */
export const lookupFor =
  (url: URL, hosts: Hosts) =>
  (host: string, options: LookupOptions, found: Found): void => {
    lookup(host, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return found(error, [])
      const allowed = isNamed(hosts, url) ? addresses : addresses.filter(({ address }) => !isPrivate(address))
      const [first] = allowed
      if (first === undefined) return found(new AddressRefused(onPrivate(host)), [])
      return options.all === true ? found(null, allowed) : found(null, first.address, first.family)
    })
  }
