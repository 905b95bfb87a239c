// What the tests ask of pages.
import { pathToFileURL } from 'node:url';

export const widths = [1400, 820, 420];
export const schemes = ['light', 'dark'];

export const check = (condition, sentence) => {
  if (!condition) throw new Error(sentence);
};

// A page, and what its console complained of.
export const open = async (browser, width, colorScheme) => {
  const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme });
  const page = await context.newPage(), complaints = [];
  page.on('console', message => { if (message.type() === 'error') complaints.push(message.text()); });
  page.on('pageerror', error => complaints.push(error.message));
  page.on('requestfailed', request => {
    // What a page was still loading when it was left is no fault of the page.
    if (request.failure()?.errorText !== 'net::ERR_ABORTED')
      complaints.push(`${request.url().slice(0, 200)} could not be loaded`);
  });
  return { page, complaints, close: () => context.close() };
};

export const address = file => pathToFileURL(file).href;

// Nothing is wider than the page, except what scrolls in a box of its own; images have words and are there.
export const looksRight = async (page, name) => {
  const seen = await page.evaluate(() => ({
    wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    widest: [...document.querySelectorAll('main *')].filter(e => e.getBoundingClientRect().right > innerWidth + 1)
      .filter(e => { for (let at = e.parentElement; at; at = at.parentElement)
        if (getComputedStyle(at).overflowX !== 'visible') return false; return true; })
      .slice(0, 3).map(e => `${e.tagName} ${e.className} ${e.textContent.slice(0, 60)}`),
    mute: [...document.images].filter(image => !image.alt.trim()).map(image => image.src.slice(0, 100)),
    broken: [...document.images].filter(image => image.complete && !image.naturalWidth && image.loading !== 'lazy')
      .map(image => image.src.slice(0, 100)),
    spilt: [...document.querySelectorAll('main figure')]
      .filter(figure => [...figure.querySelectorAll('span, figcaption')]
        .some(words => words.getBoundingClientRect().right > figure.getBoundingClientRect().right + 1))
      .map(figure => figure.textContent.slice(0, 60)),
  }));
  check(seen.wide <= 0, `${name} is ${seen.wide} pixels wider than its window: ${seen.widest.join(' | ')}`);
  check(seen.mute.length === 0, `${name} has images without words: ${seen.mute.slice(0, 3)}`);
  check(seen.spilt.length === 0, `${name} has pictures whose words leave them: ${seen.spilt.slice(0, 3).join(' | ')}`);
  check(seen.broken.length === 0, `${name} has images that do not show: ${seen.broken.slice(0, 3)}`);
};

// The first chart that a page shows is drawn by plotly.js, without losing its place.
export const upgrades = async (page, box) => {
  await box.scrollIntoViewIfNeeded();
  await box.locator('.main-svg').first().waitFor({ timeout: 60000 });
};
