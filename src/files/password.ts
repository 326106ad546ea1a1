import { MigrateError } from '../core/errors.js'
import { maskSecrets } from '../core/mask.js'

/**
 * What a user's function answers when it is asked for the password.
 * @throws MigrateError MIG-CONFIG-INVALID when it fails, or answers with something else
 */
export async function askedPassword(ask: () => unknown): Promise<string> {
  let answer: unknown
  try {
    answer = await ask()
  } catch (error) {
    if (error instanceof MigrateError) throw error
    const words = maskSecrets(error instanceof Error ? error.message : String(error))
    throw refused(`failed: ${words}`, error)
  }
  if (typeof answer === 'string') return answer
  throw refused(`answered with ${answer === null ? 'null' : typeof answer}, not with text.`)
}

function refused(what: string, cause?: unknown): MigrateError {
  return new MigrateError('MIG-CONFIG-INVALID', `The function "password" of the configuration ${what}`, {
    hint: 'It is asked once for each connection, and answers with the password.',
    ...(cause === undefined ? {} : { cause }),
  })
}
