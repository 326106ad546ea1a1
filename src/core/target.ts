import { MigrateError } from './errors.js'
import { nameProblem, RESERVED_WORDS, shown } from './names.js'

export type Anchor =
  /** The one head, all heads, before everything, what is applied now. */
  | { readonly kind: 'head' | 'heads' | 'base' | 'current' }
  /** An id, the beginning of one, a label or a tag. */
  | { readonly kind: 'name'; readonly name: string }

/** What a text like `auth@head-2` says, before any graph is looked at. */
export interface Target {
  /** Label, id or beginning of an id before the `@`. */
  readonly branch: string | null
  readonly anchor: Anchor
  /** Steps up (positive) or down from the anchor; 0 is the anchor itself. */
  readonly steps: number
  /** `a-1` may be an id as well as one step below `a`: the text to be looked up first, else null. */
  readonly literal: string | null
}

/** The two ends of `a:b`; null where one is left open. */
export interface Range {
  readonly from: Target | null
  readonly to: Target | null
}

const FORMS =
  'A target is head, heads, base, an id or the beginning of one, a label or a tag; with label@ before it, or +2 or -1 after it.'

/**
 * Reads a target as a person types it. Whether its names exist is a matter of the graph.
 * @throws MigrateError MIG-TARGET-SYNTAX
 */
export function parseTarget(text: string): Target {
  const trimmed = text.trim()
  const pieces = trimmed.split('@')
  if (pieces.length > 2) throw malformed(text, 'has more than one "@"')
  const [first = '', second] = pieces
  const branch = second === undefined ? null : first
  const symbol = second ?? first
  if (branch !== null) checkBranch(text, branch)
  if (symbol === '') throw malformed(text, branch === null ? 'is empty' : 'has nothing after the "@"')
  const [word, steps] = splitSteps(symbol)
  const isTooLarge = !Number.isSafeInteger(steps)
  if (word === '') {
    if (steps === 0) throw malformed(text, 'goes no step')
    if (isTooLarge) throw malformed(text, 'has a number of steps that is too large')
    return { branch, anchor: { kind: 'current' }, steps, literal: null }
  }
  const mayBeName = word !== symbol && nameProblem(symbol) === null && !RESERVED_WORDS.has(word.toLowerCase())
  // No graph has that many steps, but an id may well end in that many digits.
  if (isTooLarge && mayBeName)
    return { branch, anchor: { kind: 'name', name: symbol }, steps: 0, literal: null }
  if (isTooLarge) throw malformed(text, 'has a number of steps that is too large')
  const anchor = anchorOf(text, word)
  if (word !== symbol && steps === 0 && !mayBeName) throw malformed(text, 'goes no step')
  return { branch, anchor, steps, literal: mayBeName ? symbol : null }
}

/** The text of a target, such that reading it gives the same target again. */
export function printTarget(target: Target): string {
  const prefix = target.branch === null ? '' : `${target.branch}@`
  if (target.literal !== null) return `${prefix}${target.literal}`
  const { anchor, steps } = target
  const suffix = steps === 0 ? '' : steps > 0 ? `+${steps}` : String(steps)
  if (anchor.kind === 'current' && steps !== 0) return `${prefix}${suffix}`
  return `${prefix}${anchor.kind === 'name' ? anchor.name : anchor.kind}${suffix}`
}

/** Whether a text is meant as a range: `a:b`, `a:`, `:b`. */
export function isRange(text: string): boolean {
  return text.includes(':')
}

/**
 * Reads `a:b`, where either end may be left out.
 * @throws MigrateError MIG-TARGET-RANGE when it is no range, MIG-TARGET-SYNTAX for its ends
 */
export function parseRange(text: string): Range {
  const ends = text.split(':')
  const [from = '', to = ''] = ends
  if (ends.length !== 2) {
    throw new MigrateError('MIG-TARGET-RANGE', `"${shown(text)}" is no range.`, {
      hint: 'Write the two ends with one colon between them, such as base:head, 3f2a:, or :current.',
    })
  }
  return {
    from: from.trim() === '' ? null : parseTarget(from),
    to: to.trim() === '' ? null : parseTarget(to),
  }
}

export function printRange(range: Range): string {
  return `${range.from === null ? '' : printTarget(range.from)}:${range.to === null ? '' : printTarget(range.to)}`
}

function anchorOf(text: string, word: string): Anchor {
  if (word === 'head' || word === 'heads' || word === 'base' || word === 'current') return { kind: word }
  if (RESERVED_WORDS.has(word.toLowerCase())) {
    throw malformed(text, `writes "${shown(word)}" with capitals`, `Write ${word.toLowerCase()}.`)
  }
  const problem = nameProblem(word)
  if (problem === null) return { kind: 'name', name: word }
  if (word.includes(':')) {
    throw malformed(text, 'is a range', 'Ranges are for history -r and for --sql: give one revision here.')
  }
  if (word.includes(',')) throw malformed(text, problem, 'Separate several targets by blanks.')
  if (/[~^]/u.test(word)) throw malformed(text, problem, 'A step down is written -1, as in 3f2a-1.')
  throw malformed(text, problem)
}

/** `a-1` to `a` and -1; without a number, all of it and 0. */
function splitSteps(symbol: string): readonly [word: string, steps: number] {
  const [, word = symbol, number = '0'] = /^(.*?)([+-]\d+)$/su.exec(symbol) ?? []
  // Minus zero is zero.
  return [word, Number(number) + 0]
}

function checkBranch(text: string, branch: string): void {
  const problem = branch === '' ? 'is missing' : nameProblem(branch)
  if (problem !== null) throw malformed(text, `has no usable label before the "@": it ${problem}`)
}

function malformed(text: string, problem: string, hint: string = FORMS): MigrateError {
  return new MigrateError('MIG-TARGET-SYNTAX', `The target "${shown(text)}" ${problem}.`, { hint })
}
