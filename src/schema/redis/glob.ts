/** One place of a pattern: any number of letters, or one letter of a kind. */
type Token =
  | { readonly kind: 'many' }
  | { readonly kind: 'letter'; readonly letter: string }
  | { readonly kind: 'class'; readonly has: (letter: string) => boolean }

const MANY: Token = { kind: 'many' }

interface Piece {
  readonly token: Token
  readonly start: number
  readonly end: number
}

/** A pattern of Redis: `*`, `?`, `[abc]`, `[^a-z]`, and a backslash before what is meant as it is. */
function piecesOf(pattern: string): Piece[] {
  const pieces: Piece[] = []
  for (let at = 0; at < pattern.length;) {
    const start = at
    const letter = pattern[at] ?? ''
    at += 1
    let token: Token
    if (letter === '*' || letter === '?') {
      // One byte, which may be a part of a letter: no harm in taking it for more.
      token = MANY
    } else if (letter === '[') {
      const read = readClass(pattern, at)
      token = read.token
      at = read.end
    } else if (letter === '\\' && at < pattern.length) {
      token = { kind: 'letter', letter: pattern[at] ?? '' }
      at += 1
    } else token = { kind: 'letter', letter }
    pieces.push({ token, start, end: at })
  }
  return pieces
}

function readClass(pattern: string, from: number): { token: Token; end: number } {
  let at = from
  const negated = pattern[at] === '^'
  if (negated) at += 1
  const ranges: [string, string][] = []
  while (at < pattern.length && pattern[at] !== ']') {
    if (pattern[at] === '\\' && at + 1 < pattern.length) at += 1
    const low = pattern[at] ?? ''
    if (pattern[at + 1] === '-' && at + 2 < pattern.length) {
      const high = pattern[at + 2] ?? ''
      ranges.push(low <= high ? [low, high] : [high, low])
      at += 3
    } else {
      ranges.push([low, low])
      at += 1
    }
  }
  const plain = ranges.every(([low, high]) => low < '\u0080' && high < '\u0080')
  const has = (letter: string): boolean =>
    letter >= '\u0080' || ranges.some(([low, high]) => letter >= low && letter <= high) !== negated
  return { token: plain ? { kind: 'class', has } : MANY, end: Math.min(at + 1, pattern.length) }
}

/** True when a text may exist that both patterns match: in doubt it may. */
export function mayOverlap(a: string, b: string): boolean {
  const [left, right] = [a, b].map((pattern) => piecesOf(pattern).map(({ token }) => token))
  const known = new Map<string, boolean>()
  const from = (i: number, j: number): boolean => {
    const key = `${i} ${j}`
    const before = known.get(key)
    if (before !== undefined) return before
    known.set(key, false)
    const answer = step(left?.[i], right?.[j], i, j)
    known.set(key, answer)
    return answer
  }
  const step = (one: Token | undefined, other: Token | undefined, i: number, j: number): boolean => {
    if (one === undefined && other === undefined) return true
    if (one?.kind === 'many') return from(i + 1, j) || (other !== undefined && from(i, j + 1))
    if (other?.kind === 'many') return from(i, j + 1) || (one !== undefined && from(i + 1, j))
    return one !== undefined && other !== undefined && canBeSame(one, other) && from(i + 1, j + 1)
  }
  return from(0, 0)
}

function canBeSame(one: Token, other: Token): boolean {
  if (one.kind === 'letter' && other.kind === 'letter') return one.letter === other.letter
  if (one.kind === 'letter' && other.kind === 'class') return other.has(one.letter)
  if (one.kind === 'class' && other.kind === 'letter') return one.has(other.letter)
  return true
}

/** A pattern as what is written before its first wildcard, the part with wildcards, and what is written behind. */
export interface Split {
  /** As they are in keys: without backslashes. */
  readonly prefix: string
  readonly suffix: string
  /** As it stands in the pattern; empty when there is none. */
  readonly wild: string
}

export function splitPattern(pattern: string): Split {
  const pieces = piecesOf(pattern)
  const isWild = ({ token }: Piece): boolean => token.kind !== 'letter'
  const first = pieces.findIndex(isWild)
  const text = (some: readonly Piece[]): string =>
    some.map(({ token }) => (token.kind === 'letter' ? token.letter : '')).join('')
  if (first === -1) return { prefix: text(pieces), suffix: '', wild: '' }
  const last = pieces.findLastIndex(isWild)
  return {
    prefix: text(pieces.slice(0, first)),
    suffix: text(pieces.slice(last + 1)),
    wild: pattern.slice(pieces[first]?.start, pieces[last]?.end),
  }
}

/** A text as a pattern that matches nothing else. */
export function escapePattern(text: string): string {
  return text.replace(/[*?[\]\\]/g, '\\$&')
}

/** How keys get new names: what a pattern's wildcards stand for goes where the new name has its `*`. */
export interface Renaming {
  readonly from: Split
  readonly to: Split
}

/** What is wrong with a renaming, in words; null when nothing is. */
export function problemOfRenaming(pattern: string, to: string): string | null {
  const [from, target] = [splitPattern(pattern), splitPattern(to)]
  if (from.wild === '' && target.wild !== '')
    return `"${to}" has a *, and "${pattern}" nothing that it could stand for.`
  if (from.wild !== '' && target.wild !== '*') {
    return `The new name "${to}" must have one *, for what the wildcards of "${pattern}" stand for.`
  }
  return null
}

/** Whether keys may match the pattern again when they are renamed. */
export const renamesAgain = (pattern: string, to: string): boolean =>
  mayOverlap(pattern, renamedPattern(pattern, to))

/** The pattern of the keys once they are renamed. */
export function renamedPattern(pattern: string, to: string): string {
  const target = splitPattern(to)
  return escapePattern(target.prefix) + splitPattern(pattern).wild + escapePattern(target.suffix)
}

/** The renaming that takes another one back. */
export function inverseRenaming(pattern: string, to: string): { pattern: string; to: string } {
  const from = splitPattern(pattern)
  const star = from.wild === '' ? '' : '*'
  return {
    pattern: renamedPattern(pattern, to),
    to: escapePattern(from.prefix) + star + escapePattern(from.suffix),
  }
}

/** @returns null for a key that the pattern does not match */
export function renamed(key: string, { from, to }: Renaming): string | null {
  const { prefix, suffix } = from
  if (key.length < prefix.length + suffix.length || !key.startsWith(prefix) || !key.endsWith(suffix))
    return null
  return to.prefix + key.slice(prefix.length, key.length - suffix.length) + to.suffix
}
