// Bundles the extension (for VS Code's own Node.js) and the renderer with its plotly.js (for a notebook's page);
// with --tests the tests that need no VS Code.
import { build } from 'esbuild';
import { readdirSync } from 'node:fs';

const node = { bundle: true, platform: 'node', target: 'node20', sourcemap: false, logLevel: 'warning' };
if (process.argv.includes('--tests')) {
  const entryPoints = readdirSync('test').filter(file => file.endsWith('.test.ts')).map(file => `test/${file}`);
  await build({ ...node, entryPoints, outdir: 'dist/test', format: 'esm', outExtension: { '.js': '.mjs' } });
} else {
  await build({
    ...node, entryPoints: ['src/extension.ts'], outfile: 'dist/extension.js', format: 'cjs', external: ['vscode'],
  });
  await build({
    entryPoints: ['src/renderer/plotly.ts'], outfile: 'dist/renderer.js', bundle: true, format: 'esm', minify: true,
    platform: 'browser', target: 'es2022', logLevel: 'warning', legalComments: 'linked',
  });
}
