import type { MigratorOptions } from '../app/types.js'
import type { Input } from './input.js'
import { parseDuration } from './usage.js'

export interface Settings {
  readonly options: MigratorOptions
  /** `--env`, or the config's default; null without one. */
  readonly environment: string | null
  readonly protected: boolean
}

export async function readSettings(input: Input): Promise<Settings> {
  const url = input.value('url') ?? process.env['DATABASE_URL']
  const dir = input.value('dir')
  const lockWait = input.value('lock-wait')
  return {
    options: {
      ...(url === undefined ? {} : { url }),
      ...(dir === undefined ? {} : { dir }),
      ...(lockWait === undefined ? {} : { lockWaitMs: parseDuration('--lock-wait', lockWait) }),
    },
    environment: null,
    protected: false,
  }
}
