import { MigrateError } from '../../core/errors.js'
import { maskSecrets as maskPairs } from '../../core/mask.js'

/** A URL's parts, decoded. Passwords that nobody encoded (`p@ss/word`) are understood. */
export interface ServerUrl {
  readonly scheme: string
  readonly user: string | undefined
  readonly password: string | undefined
  readonly host: string
  readonly port: number | undefined
  readonly database: string | undefined
  readonly options: URLSearchParams
}

interface Split {
  readonly scheme: string
  readonly user: string | undefined
  readonly password: string | undefined
  readonly hostAndPort: string
  readonly rest: string
}

const OPTION = /([?&])([^=&#?]*)=([^&#]*)/g
const SECRET = /pass|pwd|secret|token|key/i

/** The URL with whatever may be secret in it replaced by `***`: the only form that is ever printed. */
export function maskUrl(url: string): string {
  const parts = split(url)
  // No URL, and yet it may have been meant as one: `postgres:me:secret@host`, `me/secret@host`, `host=db password=secret`.
  if (parts === null) {
    const [colon, at] = [url.indexOf(':'), url.lastIndexOf('@')]
    const begin = colon === -1 || at < colon ? '' : `${url.slice(0, colon)}:`
    return maskPairs(maskOptions(at === -1 ? url : `${begin}***${url.slice(at)}`))
  }
  const login =
    parts.user === undefined ? '' : parts.password === undefined ? `${parts.user}@` : `${parts.user}:***@`
  return `${parts.scheme}://${login}${maskPort(parts.hostAndPort)}${maskOptions(parts.rest)}`
}

/** Several with commas between them are MongoDB's; an address of IPv6 belongs in brackets, and may be without. */
const HOSTS = /^(?:(?:(?:\[[^\]]*\]|[^:,]*)(?::\d*)?(?:,|$))*|[\da-f]*:[\da-f]*:[\da-f:.]*)$/i

/** What is no port may be the password of a URL that has lost its host. */
function maskPort(hostAndPort: string): string {
  return HOSTS.test(hostAndPort) ? hostAndPort : hostAndPort.replace(/^(\[[^\]]*\]|[^:]*):.*$/s, '$1:***')
}

/** What an option is called may be encoded; what is in its value may be an option of its own (`ssl={"passphrase":…}`). */
function maskOptions(text: string): string {
  return text.replace(OPTION, (whole: string, mark: string, name: string, value: string) =>
    SECRET.test(decoded(name)) || SECRET.test(decoded(value)) ? `${mark}${name}=***` : whole,
  )
}

/** A text, such as a driver's message, without the passwords that are in the URL. */
export function maskSecrets(text: string, url: string | undefined): string {
  const raw = url === undefined ? undefined : split(url)?.password
  if (raw === undefined || raw.length < 3) return text
  return text.replaceAll(raw, '***').replaceAll(decoded(raw), '***')
}

/** @throws MigrateError MIG-URL-INVALID */
export function parseServerUrl(url: string): ServerUrl {
  const parts = split(url)
  if (parts === null) throw invalidUrl(url, 'it is not of the form scheme://user:password@host:port/database')
  const host = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d*))?$/.exec(parts.hostAndPort)
  if (host === null) throw invalidUrl(url, `"${maskPort(parts.hostAndPort)}" is no host with a port`)
  const port = host[3] === undefined || host[3] === '' ? undefined : Number(host[3])
  if (port !== undefined && (port < 1 || port > 65_535)) throw invalidUrl(url, `${port} is no port`)
  const rest = /^\/?([^?#]*)(?:\?([^#]*))?/.exec(parts.rest)
  const database = rest?.[1]
  // On the wire it ends a text, and what is behind it would be the next parameter.
  if (/\0|%00/.test(url)) throw invalidUrl(url, 'there is a NUL character in it')
  return {
    scheme: parts.scheme,
    user: parts.user === undefined ? undefined : decoded(parts.user),
    password: parts.password === undefined ? undefined : decoded(parts.password),
    host: decoded(host[1] ?? host[2] ?? ''),
    port,
    database: database === undefined || database === '' ? undefined : decoded(database),
    options: new URLSearchParams(rest?.[2] ?? ''),
  }
}

export function invalidUrl(url: string, why: string): MigrateError {
  return new MigrateError('MIG-URL-INVALID', `The URL ${maskUrl(url)} cannot be used: ${why}.`, {
    hint: 'Correct it with --url, in DATABASE_URL or in the configuration.',
  })
}

/** Undoes %XX; a stray `%` in a password that nobody encoded stays. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function split(url: string): Split | null {
  const head = /^([a-z][a-z0-9+.-]*):\/\//i.exec(url)
  if (head?.[1] === undefined) return null
  const behind = url.slice(head[0].length)
  const authorityEnd = endOfAuthority(behind)
  const authority = behind.slice(0, authorityEnd)
  const at = authority.lastIndexOf('@')
  const login = at === -1 ? undefined : authority.slice(0, at)
  const colon = login?.indexOf(':') ?? -1
  return {
    scheme: head[1].toLowerCase(),
    user: colon === -1 ? login : login?.slice(0, colon),
    password: colon === -1 ? undefined : login?.slice(colon + 1),
    hostAndPort: authority.slice(at + 1),
    rest: behind.slice(authorityEnd),
  }
}

/**
 * Where the host's part ends: at the first `/`, `?` or `#`, unless that is in a password that nobody encoded. In doubt
 * more is password, and not shown, than less.
 */
function endOfAuthority(behind: string): number {
  const first = behind.search(/[/?#]/)
  const at = behind.lastIndexOf('@')
  if (first === -1) return behind.length
  const plain = behind.slice(0, first)
  const startsLikeHost = plain.includes('@') || /^(\[[^\]]*\]|[^:]*)(:\d+)?$/.test(plain)
  const isInOption = startsLikeHost && /^(\/[^?#@]*)?\?[\w.-]+=/.test(behind.slice(first))
  if (at < first || isInOption) return first
  const next = behind.slice(at).search(/[/?#]/)
  return next === -1 ? behind.length : at + next
}
