import { MigrateError } from '../core/errors.js'

/** Wrong use, with what to type instead. */
export function usageError(message: string, hint?: string): MigrateError {
  return new MigrateError('MIG-USAGE', message, hint === undefined ? {} : { hint })
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, '': 1000, m: 60_000, min: 60_000 }

/** `500ms`, `30s`, `2m`; without a unit seconds. Milliseconds are returned. */
export function parseDuration(option: string, text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|m|min)?$/.exec(text.trim())
  const unit = UNITS[match?.[2] ?? '']
  if (match?.[1] === undefined || unit === undefined) {
    throw usageError(`"${text}" is no time for ${option}.`, `Write it as 500ms, 30s or 2m: ${option} 30s`)
  }
  return Math.round(Number(match[1]) * unit)
}

/** @throws MigrateError MIG-USAGE unless it is a whole number of at least one */
export function parseCount(option: string, text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) {
    throw usageError(`"${text}" is no number for ${option}.`, `Write a whole number: ${option} 20`)
  }
  return Number(text)
}
