/** Milliseconds for people: `<1 ms`, `12 ms`, `1.24 s`, `3 min 12 s`, `1 h 02 min`. */
export function duration(ms: number): string {
  if (ms < 0.5) return '<1 ms'
  if (ms < 999.5) return `${Math.round(ms)} ms`
  if (ms < 59_995) return `${(ms / 1000).toFixed(2)} s`
  const seconds = Math.round(ms / 1000)
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${two(seconds % 60)} s`
  const minutes = Math.round(seconds / 60)
  return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`
}

/** ISO 8601 to what people read: `2026-03-01 14:05:09 UTC`. What is no such time stays as it is. */
export function moment(iso: string): string {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/.test(iso) ? `${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC` : iso
}

function two(number: number): string {
  return String(number).padStart(2, '0')
}

/** `1 revision`, `3 revisions`. */
export function count(number: number, noun: string, plural = `${noun}s`): string {
  return `${number} ${number === 1 ? noun : plural}`
}
