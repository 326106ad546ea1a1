/** Gives a configuration in TypeScript or JavaScript its type; answers it unchanged. */
export function defineConfig<T>(config: T): T {
  return config
}
