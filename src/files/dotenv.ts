import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'

/**
 * Takes `.env` of a folder into an environment; what is set there already stays. Programs that are started, drivers
 * and configurations in code see it then as they would see the real one.
 * @param env is added to; usually `process.env`
 */
export function readDotenv(folder: string, env: NodeJS.ProcessEnv): void {
  let text: string
  try {
    text = readFileSync(join(folder, '.env'), 'utf8')
  } catch {
    return
  }
  for (const [name, value] of Object.entries(parseEnv(text.replace(/^\ufeff/, '')))) {
    if (value !== undefined) env[name] ??= value
  }
}
