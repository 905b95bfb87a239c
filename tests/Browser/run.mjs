// node run.mjs HOME WORK [PART...]: runs the tests of the parts, all or `site`, `figures`, `notebook`, and counts them.
import { chromium } from 'playwright-core';
import * as figures from './figures.mjs';
import * as notebook from './notebook.mjs';
import * as site from './site.mjs';

const [home, work, ...wanted] = process.argv.slice(2);
const counts = { passed: 0, failed: 0, skipped: 0 };
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
});

// A test that throws has failed; one that throws a Skip was skipped.
class Skip extends Error {}
const test = async (name, body) => {
  const begin = Date.now();
  const seconds = () => `${((Date.now() - begin) / 1000).toFixed(1)} s`;
  try {
    await body();
    counts.passed++;
    console.log(`passed   ${name} (${seconds()})`);
  } catch (e) {
    counts[e instanceof Skip ? 'skipped' : 'failed']++;
    console.log(`${e instanceof Skip ? 'skipped ' : 'FAILED  '} ${name} (${seconds()}): ${e.message}`);
  }
};
const skip = reason => { throw new Skip(reason); };

try {
  for (const [name, part] of Object.entries({ site, figures, notebook }))
    if (wanted.length === 0 || wanted.includes(name)) await part.run({ browser, home, work, test, skip });
} finally {
  await browser.close();
  console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
}
process.exit(counts.failed > 0 ? 1 : 0);
