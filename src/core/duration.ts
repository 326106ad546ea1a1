const UNITS: ReadonlyMap<string, number> = new Map([
  ['ms', 1],
  ['s', 1000],
  ['', 1000],
  ['m', 60_000],
  ['min', 60_000],
  ['h', 3_600_000],
])

/** The longest that a timer can wait, in milliseconds: about 24 days. */
export const LONGEST_MS = 2 ** 31 - 1

/**
 * `500ms`, `5s`, `2m`, `1h`; a bare number is seconds.
 * @returns milliseconds; null when it is no time, or longer than a timer can wait
 */
export function parseDuration(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|m|min|h)?$/.exec(text.trim())
  const unit = UNITS.get(match?.[2] ?? '')
  if (match?.[1] === undefined || unit === undefined) return null
  // Never 0 for what is more: to some options that is no limit.
  const milliseconds = Math.ceil(Number((Number(match[1]) * unit).toFixed(3)))
  return milliseconds > LONGEST_MS ? null : milliseconds
}
