/** A line without what differs from run to run: times, dates, versions, the width of columns. */
export function normalised(line: string): string {
  return line
    .trimEnd()
    .replace(/[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}/g, 'UUID')
    .replace(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z| UTC)?/g, 'TIME')
    .replace(/\b\d{8}_/g, 'DATE_')
    .replace(/(?:<1|\b\d+(?:\.\d+)?) (?:ms|s)\b/g, 'DURATION')
    .replace(/("durationMs": )[\d.]+/g, '$1DURATION')
    .replace(/\b(SQLite|revgraph) \d+\.\d+\.\d+/g, '$1 VERSION')
    .replace(/(TIME\s+)[0-9a-f]{8}\b/g, '$1RUN')
    .replace(/ {2,}/g, '  ')
}

/** Whether output is what a page shows; `...` on a line of its own stands for any lines. */
export function isShown(expected: readonly string[], actual: readonly string[]): boolean {
  const parts: string[][] = [[]]
  for (const line of expected) {
    if (line.trim() === '...') parts.push([])
    else parts.at(-1)?.push(normalised(line))
  }
  const lines = actual.map(normalised)
  const [first = [], ...rest] = parts
  const last = rest.pop()
  if (!startsAt(lines, first, 0)) return false
  if (last === undefined) return lines.length === first.length
  let at = first.length
  for (const part of rest) {
    while (at <= lines.length && !startsAt(lines, part, at)) at++
    if (at > lines.length) return false
    at += part.length
  }
  return lines.length - last.length >= at && startsAt(lines, last, lines.length - last.length)
}

function startsAt(lines: readonly string[], part: readonly string[], at: number): boolean {
  return part.every((line, index) => lines[at + index] === line)
}
