/** Digits and nothing else, with or without a minus. */
export const isWhole = (digits: string): boolean => /^-?\d+$/.test(digits)

const LEAST_LONG = -(2n ** 63n)
const MOST_LONG = 2n ** 63n - 1n

/** Whether a whole number has 64 bits at most. */
export function isLong(digits: string): boolean {
  const bare = withoutZeros(digits.startsWith('-') ? digits.slice(1) : digits)
  if (bare.length > 19) return false
  const value = BigInt(digits.startsWith('-') ? `-${bare === '' ? '0' : bare}` : bare)
  return LEAST_LONG <= value && value <= MOST_LONG
}

/** Null for what is none. */
export function doubleOf(text: string): number | null {
  const special = SPECIAL.get(text)
  if (special !== undefined) return special
  if (!/^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(text)) return null
  const value = Number(text)
  return Number.isFinite(value) ? value : null
}

const SPECIAL: ReadonlyMap<string, number> = new Map([
  ['Infinity', Infinity],
  ['-Infinity', -Infinity],
  ['NaN', NaN],
])

const DIGITS = 34
const LEAST_EXPONENT = -6176
const MOST_EXPONENT = 6111
/** Of a text that is looked at. */
const LONGEST = 6_500

/** Why a decimal of 128 bits cannot be just that; null when it can. */
export function decimalProblem(text: string): string | null {
  if (/^[+-]?(?:inf|infinity|nan)$/i.test(text)) return null
  const match = text.length > LONGEST ? null : /^[+-]?(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/.exec(text)
  const [, whole = '', part = '', power = '0'] = match ?? []
  if (match === null || whole + part === '')
    return 'A decimal is digits, with a point and an exponent at most.'
  const digits = withoutZeros(whole + part)
  const least = Number(power) - part.length
  // Zeros at the end may go into the exponent, and zeros may come out of it.
  const spare = zerosAtEnd(digits)
  if (digits === '') return null
  const needed = Math.max(digits.length - DIGITS, LEAST_EXPONENT - least, 0)
  if (needed > spare) return 'A decimal has 34 digits at most, and an exponent from -6176 to 6111.'
  if (least + needed <= MOST_EXPONENT || least - MOST_EXPONENT + digits.length <= DIGITS) return null
  return 'A decimal has 34 digits at most, and an exponent from -6176 to 6111.'
}

function withoutZeros(digits: string): string {
  let at = 0
  while (digits.charAt(at) === '0') at += 1
  return digits.slice(at)
}

function zerosAtEnd(digits: string): number {
  let count = 0
  while (count < digits.length && digits.charAt(digits.length - 1 - count) === '0') count += 1
  return count
}

/** Why a text is not base64 with its padding; null when it is. */
export function base64Problem(text: string): string | null {
  if (text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text)) return null
  return 'Bytes are base64, four letters of it for each three bytes, filled up with "=".'
}

const DATE = /^(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d)(:\d\d(?:\.\d{1,3})?)?(?:Z|([+-]\d\d):?(\d\d)))?$/

/** Milliseconds since 1970 of a date as RFC 3339 writes it; null for what is none, as the 30th of February. */
export function dateOf(text: string): number | null {
  const match = DATE.exec(text)
  if (match === null) return null
  const [, day = '', clock = '00:00', seconds = ':00', hours, minutes] = match
  const local = Date.parse(`${day}T${clock}${seconds}Z`)
  // Days that a month has not are counted on into the next one.
  if (Number.isNaN(local) || !new Date(local).toISOString().startsWith(`${day}T${clock}`)) return null
  if (hours === undefined || minutes === undefined) return local
  if (Math.abs(Number(hours)) > 23 || Number(minutes) > 59) return null
  const ahead = Math.abs(Number(hours)) * 60 + Number(minutes)
  return local - (hours.startsWith('-') ? -ahead : ahead) * 60_000
}
