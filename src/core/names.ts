/** Words that mean a place in the graph wherever a target is read. */
export const RESERVED_WORDS: ReadonlySet<string> = new Set(['head', 'heads', 'base', 'current'])

/** In UTF-16 units; the metadata tables keep ids in indexed columns. */
export const LONGEST_NAME = 255

// Blanks, controls and everything that a target, a range or a list of targets gives a meaning to.
const FORBIDDEN = /[\s\p{Cc}\p{Cs}@:+^~,]/u

/**
 * Why a text can be no id, label or tag, as the end of a sentence: `is empty`, `contains "@"`; null when
 * it can be one. Letters, digits, `.`, `_` and `-` may stand anywhere, but a leading `-` may not.
 */
export function nameProblem(name: string): string | null {
  if (name === '') return 'is empty'
  if (name.length > LONGEST_NAME) return `is longer than ${LONGEST_NAME} characters`
  if (RESERVED_WORDS.has(name.toLowerCase())) return 'is a word that targets use'
  if (name.startsWith('-')) return 'begins with "-", which means a step down'
  const forbidden = FORBIDDEN.exec(name)?.[0]
  if (forbidden === undefined) return null
  if (/\s/u.test(forbidden)) return 'contains a blank'
  return /[\p{Cc}\p{Cs}]/u.test(forbidden)
    ? 'contains a control character'
    : `contains "${forbidden}", which targets use`
}

/** A name as it may be shown in a message: controls made visible, and never longer than a line. */
export function shown(name: string): string {
  const visible = name.replace(/[\p{Cc}\p{Cs}]/gu, '�')
  return visible.length > 80 ? `${visible.slice(0, 79)}…` : visible
}
