import type { Backend, Statement } from '../backend/index.js'
import { MigrateError } from '../core/errors.js'
import { textOf, type ScriptStep } from '../engine/index.js'
import { sha256 } from './checksum.js'

/**
 * Of what one step executes, for the journal: as of a whole script, comments, line ends and blanks make no difference.
 * What code executes is not known: its name stands for it.
 */
export function stepHash(part: ScriptStep, backend: Backend): string {
  return sha256(part.kind === 'statement' ? executed(part.statement, backend) : textOf(part))
}

function executed({ text }: Statement, backend: Backend): string {
  try {
    return backend.normalise(text)
  } catch (error) {
    if (!(error instanceof MigrateError)) throw error
    // It reads otherwise apart from those before it: one of them has given backslashes another meaning.
    return text.replace(/\r\n?/g, '\n')
  }
}
