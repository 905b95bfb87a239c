// A notebook with one of each kind of figure: executed, as a page, and as a site.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { address, check, looksRight, open, upgrades } from './page.mjs';

export const run = async ({ browser, home, work, test }) => {
  const course = join(work, 'course'), site = join(work, 'figures'), page1 = join(work, 'figures.html');
  const csnotebook = join(home, 'bin/csnotebook');
  await test('a notebook of figures runs and becomes a page and a site', () => {
    rmSync(course, { recursive: true, force: true });
    mkdirSync(course, { recursive: true });
    copyFileSync(join(home, 'tests/Browser/figures.ipynb'), join(course, 'figures.ipynb'));
    execFileSync(csnotebook, ['run', join(course, 'figures.ipynb'), '--html', page1], { stdio: 'inherit' });
    execFileSync(csnotebook, ['site', course, '--out', site, '--title', 'Figures'], { stdio: 'inherit' });
  });
  for (const [name, file] of [['the site', join(site, 'figures.html')], ['the page', page1]])
    for (const scheme of ['light', 'dark'])
      await test(`every figure of ${name} is drawn by plotly.js, ${scheme}`, async () => {
        const { page, complaints, close } = await open(browser, 1400, scheme);
        await page.goto(address(file));
        const figures = page.locator('[data-figure]'), count = await figures.count();
        check(count === 4, `there are ${count} figures instead of 4`);
        for (let i = 0; i < count; i++) {
          // On a page of its own, figures that are images stay so unless plotly.js is there for a chart that is none.
          await upgrades(page, figures.nth(i));
          await figures.nth(i).screenshot({ path: join(work, 'seen', `figure-${name.slice(4)}-${scheme}-${i}.png`) });
        }
        const over = await page.evaluate(() => {
          const box = e => e.getBoundingClientRect();
          const meet = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
          return [...document.querySelectorAll('.chart-live')].flatMap(chart =>
            [...chart.querySelectorAll('.legend .legendtext')].flatMap(legend =>
              [...chart.querySelectorAll('.annotation-text, .gtitle')].filter(words => meet(box(legend), box(words)))
                .map(words => `"${legend.textContent}" over "${words.textContent}"`)));
        });
        check(over.length === 0, `the legend hides words: ${over.slice(0, 3).join('; ')}`);
        const cells = await page.locator('.chart-live .heatmap-label').allTextContents();
        check(cells.length === 6, `the heat map's 6 cells show ${cells.length} numbers: ${cells}`);
        await looksRight(page, name);
        check(complaints.length === 0, complaints[0]);
        await close();
      });
  await test('on a phone an image stays until it is tapped, and a chart fits', async () => {
    const { page, complaints, close } = await open(browser, 420, 'light');
    await page.goto(address(join(site, 'figures.html')));
    const first = page.locator('.patchkit-figure').first();
    await first.scrollIntoViewIfNeeded();
    await page.waitForTimeout(500);
    check(await first.locator('img').isVisible(), 'the image went before it was tapped');
    await first.locator('img').click();
    await first.locator('.main-svg').first().waitFor({ timeout: 60000 });
    await upgrades(page, page.locator('.chart').first());
    await looksRight(page, 'the page on a phone');
    check(complaints.length === 0, complaints[0]);
    await close();
  });
  await test('on paper figures are images', async () => {
    const { page, close } = await open(browser, 1400, 'dark');
    await page.goto(address(join(site, 'figures.html')));
    const first = page.locator('.patchkit-figure').first();
    await upgrades(page, first);
    await page.emulateMedia({ media: 'print' });
    check(await first.locator('img').isVisible(), 'the image does not come back for the printer');
    check(!(await first.locator('.chart-live').isVisible()), 'the chart stays beside the image');
    await close();
  });
  await test('without scripts a chart is a table and a figure an image', async () => {
    const context = await browser.newContext({ javaScriptEnabled: false, viewport: { width: 1400, height: 900 } });
    const page = await context.newPage();
    await page.goto(address(page1));
    check(await page.locator('.chart table').first().isVisible(), 'there is no table of the data');
    check(await page.locator('.patchkit-figure img').first().isVisible(), 'there is no image');
    await context.close();
  });
};
