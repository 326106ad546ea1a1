const STARS = '***'

/** What a URL within a text may consist of: passwords that nobody encoded may hold nearly anything. */
const OWN = /[^\s"'`<>]*/y
const SCHEME = /[a-z][a-z0-9+.-]*:\/\//gi
const NAMES =
  'pass(?:word|wd|phrase)?|pwd|sslpassword|secret|(?:[a-z]+[_-]?)?token|api[_-]?key|access[_-]?key'
const IN_QUERY = new RegExp(`([?&;](?:${NAMES})=)[^&#;\\s"'\`<>]+`, 'gi')
const QUOTED_PAIR = new RegExp(
  `(["']?\\b(?:${NAMES})["']?\\s*[=:]\\s*)("(?:[^"\\\\]|\\\\.)*"|'(?:[^'\\\\]|\\\\.)*')`,
  'gi',
)
const BARE_PAIR = new RegExp(`(\\b\\w*(?:${NAMES})\\s*=\\s*)([^\\s"',;&]+)`, 'gi')

/**
 * A text without the passwords that can be told from their form: in URLs (`scheme://user:password@host`,
 * `?password=…`), in `password=…` and `"password": "…"`. What is hidden reads `***`.
 */
export function maskSecrets(text: string): string {
  return maskLogins(text)
    .replace(IN_QUERY, `$1${STARS}`)
    .replace(QUOTED_PAIR, (_, name: string, value: string) => {
      const quote = value[0] ?? ''
      return `${name}${quote}${STARS}${quote}`
    })
    .replace(BARE_PAIR, `$1${STARS}`)
}

/**
 * A text without secrets that are known, as they are and as a URL would encode them. Those of fewer than three
 * characters are left: hiding them would hide half the text.
 */
export function maskKnown(text: string, secrets: readonly string[]): string {
  const forms = new Set(secrets.flatMap((secret) => [secret, encoded(secret)]))
  return [...forms]
    .filter((secret) => secret.length > 2)
    .sort((a, b) => b.length - a.length)
    .reduce((masked, secret) => masked.replaceAll(secret, STARS), text)
}

/** The password of a URL, as it stands there and decoded; none when it has none. */
export function secretsOf(url: string): readonly string[] {
  const login = loginOf(url, 0)
  if (login === null) return []
  const raw = url.slice(login.from, login.to)
  return [...new Set([raw, decoded(raw)])].filter((secret) => secret !== '')
}

/** True when the URL itself carries a password. */
export function hasPassword(url: string): boolean {
  return loginOf(url, 0) !== null
}

interface Login {
  /** Of the password. */
  readonly from: number
  readonly to: number
}

function maskLogins(text: string): string {
  let out = ''
  let at = 0
  for (let login = loginOf(text, 0); login !== null; login = loginOf(text, at)) {
    out += text.slice(at, login.from) + STARS
    at = login.to
  }
  return out + text.slice(at)
}

/** The next password between `scheme://user:` and the last `@` of that URL. */
function loginOf(text: string, from: number): Login | null {
  SCHEME.lastIndex = from
  for (let match = SCHEME.exec(text); match !== null; match = SCHEME.exec(text)) {
    const start = match.index + match[0].length
    OWN.lastIndex = start
    const whole = OWN.exec(text)?.[0] ?? ''
    const next = whole.indexOf('://')
    const own = next === -1 ? whole : whole.slice(0, next)
    const colon = own.indexOf(':')
    const at = own.lastIndexOf('@')
    if (colon !== -1 && at > colon && !/[/?#@]/.test(own.slice(0, colon))) {
      return { from: start + colon + 1, to: start + at }
    }
  }
  return null
}

function encoded(text: string): string {
  try {
    return encodeURIComponent(text)
  } catch {
    return text
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
