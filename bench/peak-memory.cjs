// Loaded into a measured process: leaves its largest resident set, in KB, behind.
const { writeFileSync } = require('node:fs')

process.on('exit', () => {
  writeFileSync(process.env.REVGRAPH_PEAK_FILE, String(process.resourceUsage().maxRSS))
})
