import type { LocateDeclared, ParsedDeclared } from '../../backend/index.js'
import { MigrateError, type MigrateErrorOptions } from '../../core/errors.js'
import { startOf } from '../../core/position.js'
import { parseDeclaredText } from '../../schema/mongo/declared-text.js'
import { DeclarationProblem, readDeclared, type DeclaredSet } from '../../schema/mongo/declared.js'
import { CommandProblem } from '../../schema/mongo/json.js'
import { Places } from '../../sql/places.js'

/** @throws MigrateError MIG-DECLARED-INVALID */
export function checkDeclared(value: unknown, locate?: LocateDeclared): DeclaredSet {
  try {
    return readDeclared(value)
  } catch (error) {
    if (!(error instanceof DeclarationProblem)) throw error
    throw invalid(error.message, {
      ...locate?.(error.path),
      hint: 'Write for example: { "collections": { "users": { "indexes": [{ "key": { "email": 1 }, "unique": true }] } } }',
      cause: error,
    })
  }
}

/** @throws MigrateError MIG-DECLARED-INVALID at the place in the text */
export function parseDeclared(text: string, file: string): ParsedDeclared {
  const place = (offset: number) => ({
    position: new Places(text, startOf(file)).at(offset),
    source: text,
  })
  try {
    const declared = parseDeclaredText(text)
    const locate: LocateDeclared = (path) => place(declared.offsetOf(path))
    return { value: checkDeclared(declared.value, locate), locate }
  } catch (error) {
    if (!(error instanceof CommandProblem)) throw error
    throw invalid(error.message, { ...place(error.offset), hint: error.hint, cause: error })
  }
}

function invalid(message: string, more: MigrateErrorOptions): MigrateError {
  return new MigrateError('MIG-DECLARED-INVALID', message, { state: 'Nothing was changed.', ...more })
}
