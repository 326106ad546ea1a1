/** What the tool itself writes: headers in this order, one blank at a time, then the first section. */
const HEAD =
  /^-- migrate:revision (\S+)\r?\n(?:-- migrate:parents (\S[^\r\n]*)\r?\n)?(?:-- migrate:message (\S[^\r\n]*)\r?\n)?(?:-- migrate:labels (\S[^\r\n]*)\r?\n)?(?:-- migrate:depends-on (\S[^\r\n]*)\r?\n)?(?:[ \t]*\r?\n)*-- migrate:up(?: transaction:false)?\r?\n/

/** Any line behind it that is a marker or looks like one. */
const LOOKALIKE = /^[ \t]*-{2,}[ \t]*migrate[ \t]*:[^\r\n]*/gim

const DOWN = /^-- migrate:down(?: transaction:false)?$/

export interface CanonicalHeader {
  readonly id: string
  /** Words as they stand, to be cut at blanks; undefined without the header. */
  readonly parents: string | undefined
  readonly message: string | undefined
  readonly labels: string | undefined
  readonly dependsOn: string | undefined
}

/**
 * The header of a file that is just as the tool writes it; null for all others, which are read with care. Every command
 * reads all files, and this is the quick way through most of them.
 * A file for which it answers, `parseSqlFile` accepts with the same answer: a property in the tests.
 */
export function canonicalHeader(text: string): CanonicalHeader | null {
  const head = HEAD.exec(text)
  if (head?.[1] === undefined) return null
  LOOKALIKE.lastIndex = head[0].length
  const down = LOOKALIKE.exec(text)
  if (down !== null && (!DOWN.test(down[0]) || LOOKALIKE.test(text))) return null
  return { id: head[1], parents: head[2], message: head[3], labels: head[4], dependsOn: head[5] }
}
