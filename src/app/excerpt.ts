import type { Backend } from '../backend/index.js'
import { maskQuoted } from '../core/mask.js'

/** UTF-16 units of a statement that the journal keeps for people. */
const LENGTH = 500

/** What may be shown of a statement wherever it is kept. */
export function excerptFor(backend: Backend, text: string): string {
  return backend.excerpt?.(text, LENGTH) ?? maskQuoted(text).slice(0, LENGTH)
}
