/** The tool's version, as the history and the log record it; a test compares it with package.json. */
export const VERSION = '0.1.0'
