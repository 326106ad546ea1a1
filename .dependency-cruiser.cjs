/**
 * The layers: imports point downward only, siblings of one layer never import one another, and the floor knows
 * neither Node nor packages. Type imports count.
 * @type {import('dependency-cruiser').IConfiguration}
 */
const MIDDLE = ['files', 'engine', 'backends', 'report', 'lint']
const FLOOR = ['core', 'sql', 'schema']
const folder = (names) => `^src/(${names.join('|')})/`

module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      severity: 'error',
      from: { path: '^src' },
      to: { circular: true },
    },
    {
      name: 'floor-is-pure',
      comment: 'what stands on the floor can be tested with values alone',
      severity: 'error',
      from: { path: folder(FLOOR) },
      to: { pathNot: '^src/' },
    },
    ...FLOOR.map((name) => ({
      name: `floor-${name}`,
      severity: 'error',
      from: { path: folder([name]) },
      // Places in texts and errors are words of everybody's.
      to: { path: '^src/', pathNot: [folder([name]), '^src/core/(position|errors)\\.ts$'] },
    })),
    {
      name: 'backend-interface',
      severity: 'error',
      from: { path: '^src/backend/' },
      to: { pathNot: ['^src/backend/', '^src/core/'] },
    },
    ...MIDDLE.map((name) => ({
      name: `middle-${name}`,
      severity: 'error',
      from: { path: folder([name]) },
      to: { path: '^src/', pathNot: [folder([name]), '^src/backend/', folder(FLOOR)] },
    })),
    {
      name: 'dialects-are-siblings',
      severity: 'error',
      from: { path: '^src/backends/(postgres|mysql|sqlite|redis|mongo)/' },
      to: { path: '^src/backends/', pathNot: ['^src/backends/$1/', '^src/backends/(sql|locks)/'] },
    },
    {
      name: 'app-looks-down',
      severity: 'error',
      from: { path: '^src/app/' },
      to: { path: '^src/(cli/|testing/|index\\.ts|testing\\.ts)' },
    },
    {
      name: 'library-looks-down',
      severity: 'error',
      from: { path: '^src/(index\\.ts|testing\\.ts|testing/)' },
      to: { path: '^src/cli/' },
    },
    {
      name: 'commander-lives-in-cli',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/cli/' },
      to: { path: 'node_modules/(commander|@clack)/' },
    },
    {
      name: 'declared-packages-only',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'npm-dev'], pathNot: 'node_modules/@types/' },
    },
    {
      name: 'resolvable',
      severity: 'error',
      from: { path: '^src/' },
      to: { couldNotResolve: true },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
}
