import { Head } from './head.js'
import { RULES, type DialectRules } from './rules.js'
import type { SqlDialect } from './types.js'

/** At the beginning of what a statement does: behind what may stand before it and leaves it what it is. */
export function headOf(text: string, rules: DialectRules): Head {
  const head = new Head(text, rules)
  while (rules.prefixes && (skipSettings(head) || skipAnalyze(head))) continue
  head.begin()
  return head
}

/** `SET STATEMENT lock_wait_timeout = 10 FOR …` */
function skipSettings(head: Head): boolean {
  if (!head.accept('SET', 'STATEMENT')) return false
  while (!head.done && !head.accept('FOR')) {
    if (head.sign() === '(') head.parenthesis()
    else head.skip()
  }
  return true
}

const ANALYZED = new Set('SELECT INSERT REPLACE UPDATE DELETE WITH VALUES'.split(' '))

/** `ANALYZE FORMAT = JSON UPDATE …`, which runs what it tells of. */
function skipAnalyze(head: Head): boolean {
  if (head.word() !== 'ANALYZE') return false
  const ahead = head.word(1) === 'FORMAT' && head.sign(2) === '=' ? 4 : 1
  if (!ANALYZED.has(head.word(ahead)) && head.sign(ahead) !== '(') return false
  head.skip(ahead)
  return true
}

/** The text behind what may stand before a statement and leaves it what it is. */
export function withoutPrefix(text: string, dialect: SqlDialect): string {
  const rules = RULES[dialect]
  return rules.prefixes && /^(set\s+statement|analyze)\b/i.test(text) ? headOf(text, rules).rest : text
}
