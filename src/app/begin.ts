import { initProject, type InitOptions, type InitReport } from '../files/init.js'
import { readDotenv } from '../files/dotenv.js'
import { backendByScheme } from '../backends/registry.js'
import { MigrateError } from '../core/errors.js'

/**
 * Begins a project. Where the URL stays in the environment and leads to a database that has files of its own, the
 * configuration names that kind of database: `migrate revision` writes such files where the variable is not set, too.
 * @param env usually `process.env`; `.env` of the folder is added to it
 * @throws MigrateError as {@link initProject}
 */
export async function beginProject(
  options: Omit<InitOptions, 'backend'>,
  env: NodeJS.ProcessEnv,
): Promise<InitReport> {
  readDotenv(options.cwd, env)
  const backend = await ownFilesOf(options.url ?? env['DATABASE_URL'])
  return initProject({ ...options, ...(backend === undefined ? {} : { backend }) })
}

/** The backend's name; undefined where its files are SQL, and while the URL is none. */
async function ownFilesOf(url: string | undefined): Promise<string | undefined> {
  if (url === undefined || url === '') return undefined
  try {
    const { name, language } = await backendByScheme(url)
    return language === undefined ? undefined : name
  } catch (error) {
    // What is wrong with it is told by the first command that needs it.
    if (error instanceof MigrateError) return undefined
    throw error
  }
}
