const STARS = '***'

/** Where a URL within a text ends at the latest: passwords that nobody encoded may hold nearly anything. */
const FOREIGN = /[\s"'`<>]/
const IN_SCHEME = /[a-z0-9+.-]/i
const QUOTES = `"'\``
const WORDS = 'pass(?:word|wd|phrase)?|pwd|secret|token|api[_-]?key|access[_-]?key'
const NAMES = `sslpassword|[a-z]+[_-]?token|${WORDS}`
const IN_PROPERTY = /(\b[a-z]+_(?:session_)?token(?::|%3a))[^,&#\s"'`<>%]+(?:%(?!2c)[^,&#\s"'`<>%]+)*/gi
const IN_QUERY = new RegExp(`([?&;](?:${NAMES})=)[^&#;\\s"'\`<>]+`, 'gi')
const QUOTED_PAIR = new RegExp(
  `(["']?\\b(?:${NAMES})["']?\\s*[=:]\\s*)("[^"\\\\]*(?:\\\\.[^"\\\\]*)*"|'[^'\\\\]*(?:\\\\.[^'\\\\]*)*')`,
  'gi',
)
// What may stand before the word is taken by \w alone: two that could take it would try each way to share it.
const BARE_PAIR = new RegExp(`(\\b\\w*(?:${WORDS})\\s*=\\s*)([^\\s"',;&]+)`, 'gi')

/**
 * A text without the passwords that can be told from their form: in URLs (`scheme://user:password@host`,
 * `?password=…`), in `password=…` and `"password": "…"`. What is hidden reads `***`.
 */
export function maskSecrets(text: string): string {
  return maskLogins(text)
    .replace(IN_QUERY, `$1${STARS}`)
    .replace(IN_PROPERTY, `$1${STARS}`)
    .replace(QUOTED_PAIR, (_, name: string, value: string) => {
      const quote = value[0] ?? ''
      return `${name}${quote}${STARS}${quote}`
    })
    .replace(BARE_PAIR, `$1${STARS}`)
}

/**
 * A word as it was typed or configured, without passwords. Where all of it is one URL (`--url=…` too), a password may hold
 * blanks and quotes, which would end a URL within a text.
 */
export function maskWord(word: string): string {
  const login = isOneUrl(word) ? loginOf(word, 0, 'whole') : null
  const unseen = secretsOf(word).filter((secret) => FOREIGN.test(secret))
  const masked = login === null ? word : word.slice(0, login.from) + STARS + word.slice(login.to)
  return maskSecrets(maskKnown(masked, unseen))
}

/**
 * A text without secrets that are known, as they are and as a URL or JSON would have them. Those of fewer than three
 * characters are left: hiding them would hide half the text.
 */
export function maskKnown(text: string, secrets: readonly string[]): string {
  const forms = new Set(
    secrets.flatMap((secret) => [secret, encoded(secret), JSON.stringify(secret).slice(1, -1)]),
  )
  return [...forms]
    .filter((secret) => secret.length > 2)
    .sort((a, b) => b.length - a.length)
    .reduce((masked, secret) => masked.replaceAll(secret, STARS), text)
}

/** The passwords of a URL, before its host and among its options, as they stand there and decoded; none when it has none. */
export function secretsOf(url: string): readonly string[] {
  const login = loginOf(url, 0, isOneUrl(url) ? 'whole' : 'text')
  const raw = login === null ? [] : [url.slice(login.from, login.to)]
  // Somebody may have encoded it, and have an `@` in a path or an option.
  const encodedLogin = loginOf(/^[^/?#]*:\/\/[^/?#]*/.exec(url)?.[0] ?? '', 0)
  if (encodedLogin !== null) raw.push(url.slice(encodedLogin.from, encodedLogin.to))
  for (const [, name = '', value = ''] of url.matchAll(/[?&]([^=&#?]*)=([^&#]*)/g)) {
    if (/pass|pwd|secret|token/i.test(decoded(name)) || /passphrase/i.test(decoded(value))) raw.push(value)
    // MongoDB's drivers take several properties in one option.
    const property = /(?:^|,)[^,:]*(?:token|secret|password)[^,:]*:([^,]+)/i.exec(decoded(value))?.[1]
    if (property !== undefined) raw.push(property)
  }
  const forms = raw.flatMap((secret) => [secret, decoded(secret), decoded(secret.replaceAll('+', ' '))])
  return [...new Set(forms)].filter((secret) => secret !== '')
}

/**
 * A text without anything that stands in quotes, whatever its language is. Where a quote has a backslash before it, or is
 * never closed, languages differ: nothing from there on is shown.
 */
export function maskQuoted(text: string): string {
  const parts: string[] = []
  let at = 0
  QUOTE.lastIndex = 0
  for (let match = QUOTE.exec(text); match !== null; match = QUOTE.exec(text)) {
    const [quote] = match
    const close = text.indexOf(quote, QUOTE.lastIndex)
    parts.push(text.slice(at, match.index), `${quote}${STARS}${quote}`)
    if (close === -1 || text.charAt(close - 1) === '\\') return `${parts.join('')}…`
    at = close + quote.length
    QUOTE.lastIndex = at
  }
  return parts.join('') + text.slice(at)
}

const QUOTE = /['"`]|\$\w*\$/g

/**
 * A text of which every line and column stays where it is, with asterisks for its passwords: for frames around a place
 * in a configuration.
 */
export function blotSecrets(text: string): string {
  let out = ''
  let at = 0
  for (let login = loginOf(text, 0, 'line'); login !== null; login = loginOf(text, at, 'line')) {
    out += text.slice(at, login.from) + '*'.repeat(login.to - login.from)
    at = login.to
  }
  return (out + text.slice(at)).replace(
    /((?:pass(?:word|wd|phrase)?|pwd|secret|token)["']?[ \t]*[:=][ \t]*)([^\n\r&]+)/gi,
    (_, name: string, value: string) => name + value.replace(/[^\s,"'{}]/g, '*'),
  )
}

const CREDENTIAL =
  /pass|pwd|secret|token|identified|credential|conninfo|connection|dblink|program|system\s+set|masterauth|\bauth|setuser/i
/** Redis has its passwords without quotes. */
const IN_COMMAND = /(\b(?:requirepass|masterauth|auth2?|setuser[ \t]+\S+)[ \t]+)(.+)/i

/**
 * Lines of statements, whatever their language, of which every column stays where it is: where a line among them speaks
 * of passwords, connections or programs, asterisks stand for what is in quotes, and for what is behind that.
 */
export function blotCredentials(lines: readonly string[]): string[] {
  if (!lines.some((line) => CREDENTIAL.test(line))) return [...lines]
  return lines.map((line) =>
    line
      .replace(/['"$].*$/, (text) => text.replace(/[^\s'"$;,()]/g, '*'))
      .replace(IN_COMMAND, (_, name: string, value: string) => name + value.replace(/\S/g, '*')),
  )
}

/** True when the URL itself carries a password. */
export function hasPassword(url: string): boolean {
  return loginOf(url, 0, isOneUrl(url) ? 'whole' : 'text') !== null
}

interface Login {
  /** Of the password. */
  readonly from: number
  readonly to: number
}

/**
 * A text without the passwords of its URLs.
 * @param example a word that stays: it stands for a password in an example
 */
export function maskLogins(text: string, example?: string): string {
  let out = ''
  let at = 0
  for (let login = loginOf(text, 0); login !== null; login = loginOf(text, at)) {
    const isExample = text.slice(login.from, login.to) === example
    out += text.slice(at, login.from) + (isExample ? example : STARS)
    at = login.to
  }
  return out + text.slice(at)
}

const isOneUrl = (text: string): boolean => /^[^\s:/?#@]*:\/\//.test(text)

/**
 * The next password between `scheme://user:` and the last `@` of that URL.
 * @param reach where a URL ends that began with no quote: at what is foreign to one, with its line, or with all
 */
function loginOf(text: string, from: number, reach: 'text' | 'line' | 'whole' = 'text'): Login | null {
  for (let mark = text.indexOf('://', from + 1); mark !== -1;) {
    const start = mark + 3
    const next = text.indexOf('://', start)
    const scheme = schemeBefore(text, from, mark)
    if (scheme !== null) {
      const piece = next === -1 ? text.slice(start) : text.slice(start, next)
      const own = reach === 'whole' ? piece : piece.slice(0, endWithin(piece, text.charAt(scheme - 1), reach))
      const colon = own.indexOf(':')
      const at = own.lastIndexOf('@')
      if (colon !== -1 && at > colon && !/[/?#@]/.test(own.slice(0, colon))) {
        return { from: start + colon + 1, to: start + at }
      }
    }
    mark = next
  }
  return null
}

/** Where a URL ends that stands in a text. @param before the character before its scheme */
function endWithin(piece: string, before: string, reach: 'text' | 'line'): number {
  const closing = before !== '' && QUOTES.includes(before) ? piece.indexOf(before) : -1
  if (closing !== -1) return closing
  const end = piece.search(reach === 'line' ? /[\n\r]/ : FOREIGN)
  return end === -1 ? piece.length : end
}

/** Where the scheme before the `://` at `mark` begins; null where there is no letter that could begin one. */
function schemeBefore(text: string, from: number, mark: number): number | null {
  let begin: number | null = null
  for (let at = mark - 1; at >= from && IN_SCHEME.test(text.charAt(at)); at -= 1) {
    if (/[a-z]/i.test(text.charAt(at))) begin = at
  }
  return begin
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
