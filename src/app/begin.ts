import { initProject, type InitOptions, type InitReport } from '../files/init.js'
import { readDotenv } from '../files/dotenv.js'
import { ownFilesOf } from './own-files.js'

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
  const backend = await ownFilesOf(options.url ?? env['DATABASE_URL'] ?? '')
  return initProject({ ...options, ...(backend === null ? {} : { backend }) })
}
