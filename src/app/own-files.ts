import { MigrateError } from '../core/errors.js'

/** The name of a URL's backend, where its files are not SQL; null where they are, and while the URL is none. */
export async function ownFilesOf(url: string): Promise<string | null> {
  if (url === '') return null
  const { backendByScheme } = await import('../backends/registry.js')
  try {
    const { name, language } = await backendByScheme(url)
    return language === undefined ? null : name
  } catch (error) {
    // What is wrong with it is told by the first command that needs it.
    if (error instanceof MigrateError) return null
    throw error
  }
}
