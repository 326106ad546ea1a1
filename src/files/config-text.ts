import { basename } from 'node:path'
import { MigrateError } from '../core/errors.js'
import { blotSecrets } from '../core/mask.js'
import { startOf, type Position } from '../core/position.js'
import type { LoadedConfig } from './config-load.js'
import { positionIn } from './source-text.js'

export interface KeyPlace {
  readonly position: Position
  readonly source: string
}

/** A longer one is no option, and too much for a pattern. */
const LONGEST_KEY = 200

/** Where a key stands in its file: in JSON, YAML and code alike it is a name with a colon, after its group's. */
export function placeOfKey(loaded: LoadedConfig, path: readonly string[]): KeyPlace {
  const { text } = loaded.file
  const names = basename(loaded.file.path) === 'package.json' ? ['migrate', ...path] : path
  let offset = -1
  for (const name of names) {
    if (name.length > LONGEST_KEY) break
    const pattern = new RegExp(`(?<![\\w$])["']?${escaped(name)}["']?\\s*(?::|\\()`, 'g')
    pattern.lastIndex = Math.max(0, offset)
    const found = pattern.exec(text)
    if (found !== null) offset = found.index
  }
  const position = offset === -1 ? startOf(loaded.shown) : positionIn(text, offset, loaded.shown)
  return { position, source: blotSecrets(text) }
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}

const VARIABLE = /\$\{([^}]*)\}/g
const NAME = /^([A-Za-z_][A-Za-z0-9_]*)(?::-([^]*))?$/

/**
 * Puts variables into a value: `${NAME}`, or `${NAME:-default}` for one that is not set or empty. What a
 * variable holds is not looked into again.
 * @throws MigrateError MIG-CONFIG-INVALID naming a variable that is not set
 */
export function withVariables(value: string, env: NodeJS.ProcessEnv, place: () => Partial<KeyPlace>): string {
  return value.replace(VARIABLE, (whole: string, inside: string) => {
    const [, name, fallback] = NAME.exec(inside.trim()) ?? []
    if (name === undefined) {
      throw new MigrateError('MIG-CONFIG-INVALID', `${whole} names no variable.`, {
        ...place(),
        hint: 'Write ${NAME}, or ${NAME:-default}.',
      })
    }
    const found = env[name]
    if (found !== undefined && (found !== '' || fallback === undefined)) return found
    if (fallback !== undefined) return fallback
    throw new MigrateError('MIG-CONFIG-INVALID', `The variable ${name} is not set.`, {
      ...place(),
      hint: `Set it in the environment or in .env, or give a default: \${${name}:-...}`,
    })
  })
}
