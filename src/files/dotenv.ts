import { statSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { unreadableConfig } from './config-find.js'
import { LARGEST_SETTINGS, readRegular } from './regular.js'

/**
 * Takes `.env` of a folder into an environment; what is set there already stays. Programs that are started, drivers
 * and configurations in code see it then as they would see the real one.
 * @param env is added to; usually `process.env`
 * @throws MigrateError MIG-CONFIG-UNREADABLE for one that is there and cannot be read
 */
export function readDotenv(folder: string, env: NodeJS.ProcessEnv): void {
  const path = join(folder, '.env')
  let text: string
  try {
    const stats = statSync(path, { throwIfNoEntry: false })
    // Some keep a folder of that name: Python's.
    if (stats === undefined || stats.isDirectory()) return
    text = readRegular(path, LARGEST_SETTINGS).toString('utf8')
  } catch (error) {
    throw unreadableConfig(path, error)
  }
  for (const [name, value] of Object.entries(parseEnv(text.replace(/^\ufeff/, '')))) {
    if (value !== undefined) env[name] ??= value
  }
}
