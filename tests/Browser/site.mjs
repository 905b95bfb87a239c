// The course site of this project's notebooks, from a folder.
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { address, check, looksRight, open, schemes, upgrades, widths } from './page.mjs';

const pages = folder => readdirSync(folder, { recursive: true }).filter(name => name.endsWith('.html')).sort();

export const run = async ({ browser, home, work, test }) => {
  const folder = join(work, 'site');
  let names = [];
  await test('csnotebook site writes the site', () => {
    const program = join(home, 'bin/csnotebook');
    execFileSync(program, ['site', join(home, 'notebooks'), '--out', folder], { stdio: 'inherit' });
    names = pages(folder).filter(name => !name.startsWith('source'));
    check(names.length >= 15, `there are ${names.length} pages, fewer than an index, 13 notebooks and one about them`);
  });
  for (const width of widths)
    await test(`every page at ${width} pixels: no overflow, no complaint, images with words`, async () => {
      const { page, complaints, close } = await open(browser, width, schemes[0]);
      for (const name of names) {
        await page.goto(address(join(folder, name)));
        for (const scheme of schemes) {
          await page.emulateMedia({ colorScheme: scheme });
          await looksRight(page, `${name}, ${scheme},`);
          const paper = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
          check((paper === 'rgb(255, 255, 255)') === (scheme === 'light'), `${name} is ${paper} in ${scheme}`);
        }
        check(complaints.length === 0, `${name}: ${complaints[0]}`);
      }
      await page.goto(address(join(folder, 'index.html')));
      for (const scheme of schemes) {
        await page.emulateMedia({ colorScheme: scheme });
        await page.screenshot({ path: join(work, 'seen', `index-${width}-${scheme}.png`) });
      }
      await close();
    });
  await test('a reader goes from the index to a notebook, to the next, and asks for a solution', async () => {
    const { page, complaints, close } = await open(browser, 1400, 'light');
    await page.goto(address(join(folder, 'index.html')));
    await page.getByRole('link', { name: /^02 · / }).click();
    const solution = page.locator('details', { has: page.locator('summary', { hasText: 'Solution' }) }).first();
    check(!(await solution.locator('pre').isVisible()), 'a solution shows before it is asked for');
    await solution.locator('summary').click();
    check(await solution.locator('pre').isVisible(), 'a solution does not show when it is asked for');
    await page.getByRole('link', { name: /^03 · .*→$/ }).click();
    check(page.url().includes('/03-'), `next leads to ${page.url()}`);
    check(complaints.length === 0, complaints[0]);
    await close();
  });
  await test('a slider moves', async () => {
    const { page, close } = await open(browser, 820, 'light');
    await page.goto(address(join(folder, '02-table-1-patch-size.html')));
    const slider = page.locator('.patchkit-slider').first(), knob = slider.locator('input[type=range]');
    await knob.scrollIntoViewIfNeeded();
    const stops = () => slider.locator('[data-stop]').evaluateAll(all => all.map(stop => stop.offsetHeight > 0));
    await page.waitForTimeout(200);
    check((await stops())[0], 'the first stop does not show');
    await knob.focus();
    await page.keyboard.press('ArrowRight');
    const after = await stops();
    check(!after[0] && after[1], `after one step to the right the stops show as ${after}`);
    await close();
  });
  await test('figures become charts of plotly.js on a wide page and stay images on a phone', async () => {
    for (const name of names.filter(name => /^\d/.test(name))) {
      const { page, complaints, close } = await open(browser, 1400, 'light');
      await page.goto(address(join(folder, name)));
      const figures = page.locator('[data-figure]:visible');
      if (await figures.count() > 0) await upgrades(page, figures.first());
      check(complaints.length === 0, `${name}: ${complaints[0]}`);
      await close();
    }
  });
};
