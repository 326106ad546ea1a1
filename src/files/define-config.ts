import type { MigrateConfig } from './config-types.js'

/** Gives a configuration in TypeScript or JavaScript its types; answers it as it is. */
export function defineConfig(config: MigrateConfig): MigrateConfig {
  return config
}
