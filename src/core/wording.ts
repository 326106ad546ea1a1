/** How many names a sentence carries before it says "and n more". */
const NAMES_IN_A_SENTENCE = 5

/** `a`, `a and b`, `a, b and c`, `a, b, c, d, e and 12 more`. */
export function listed(names: readonly string[], most = NAMES_IN_A_SENTENCE): string {
  if (names.length > most + 1) return `${names.slice(0, most).join(', ')} and ${names.length - most} more`
  const last = names.at(-1) ?? ''
  return names.length < 2 ? last : `${names.slice(0, -1).join(', ')} and ${last}`
}

/** `1 revision`, `2 revisions`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

/** The same order on every machine, whatever its locale. */
export function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/**
 * The candidates that a person most likely meant: those that begin with the text (or end with it, as `1`
 * for `0001`), then those a few keystrokes away.
 */
export function nearest(text: string, candidates: Iterable<string>, most = 3): readonly string[] {
  const wanted = text.toLowerCase()
  const allowance = Math.max(1, Math.floor(wanted.length / 3))
  const found: { readonly name: string; readonly distance: number }[] = []
  for (const name of candidates) {
    const distance = likeness(wanted, name.toLowerCase(), allowance)
    if (distance <= allowance) found.push({ name, distance })
  }
  found.sort((a, b) => a.distance - b.distance || byText(a.name, b.name))
  return found.slice(0, most).map((entry) => entry.name)
}

/** `Did you mean a or b?`, or nothing when nothing is near. */
export function didYouMean(text: string, candidates: Iterable<string>): string | undefined {
  const near = nearest(text, candidates)
  return near.length === 0 ? undefined : `Did you mean ${near.join(' or ')}?`
}

function likeness(wanted: string, name: string, allowance: number): number {
  if (wanted !== '' && (name.startsWith(wanted) || name.endsWith(wanted))) return 0.5
  if (Math.abs(wanted.length - name.length) > allowance) return Infinity
  return editDistance(wanted, name, allowance)
}

/** Keystrokes (a letter more, less, other, or two swapped), or Infinity as soon as they exceed the allowance. */
function editDistance(a: string, b: string, allowance: number): number {
  let above: number[] = []
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    let best = i
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      let cost = Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1)
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      if (isSwap) cost = Math.min(cost, (above[j - 2] ?? 0) + 1)
      next.push(cost)
      best = Math.min(best, cost)
    }
    // A swap may lead over one row, never over two.
    if (best > allowance && Math.min(...row) > allowance) return Infinity
    above = row
    row = next
  }
  return row[b.length] ?? Infinity
}
