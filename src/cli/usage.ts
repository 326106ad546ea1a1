import { MigrateError } from '../core/errors.js'

/** Wrong use, with what to type instead. */
export function usageError(message: string, hint?: string): MigrateError {
  return new MigrateError('MIG-USAGE', message, hint === undefined ? {} : { hint })
}

/** @throws MigrateError MIG-USAGE unless it is a whole number of at least one */
export function parseCount(option: string, text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) {
    throw usageError(`"${text}" is no number for ${option}.`, `Write a whole number: ${option} 20`)
  }
  return Number(text)
}
