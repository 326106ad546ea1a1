import { MigrateError } from '../../core/errors.js'
import { DeclarationProblem, readDeclared, type DeclaredSet } from '../../schema/mongo/declared.js'

/** @throws MigrateError MIG-DECLARED-INVALID */
export function checkDeclared(value: unknown): DeclaredSet {
  try {
    return readDeclared(value)
  } catch (error) {
    if (!(error instanceof DeclarationProblem)) throw error
    throw new MigrateError('MIG-DECLARED-INVALID', error.message, {
      hint: 'Write for example: { "collections": { "users": { "indexes": [{ "key": { "email": 1 }, "unique": true }] } } }',
      cause: error,
    })
  }
}
