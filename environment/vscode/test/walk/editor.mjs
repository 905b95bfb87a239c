// VS Code in a browser, as a person uses it: the keyboard, the mouse, and what can be seen. Notebooks save themselves
// (files.autoSave), so that what ran is read from the file as well.
import { chromium } from 'playwright-core';
import { readFileSync } from 'node:fs';
import * as path from 'node:path';

/** How many times as long everything may take: more than 1 on a machine that does much else. */
const patience = Number(process.env.PATIENCE ?? 1);

/** Waits until a test gives something, and gives it. */
export async function until(what, test, seconds = 60) {
  const end = Date.now() + seconds * 1000 * patience;
  for (;;) {
    const found = await test();
    if (found) return found;
    if (Date.now() > end) throw new Error(`${what}: not within ${seconds * patience} s`);
    await new Promise(resolve => setTimeout(resolve, 50));
  }
}

export class Editor {
  static async open(address, folder, screens, executablePath) {
    const browser = await chromium.launch({
      executablePath,
      args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
        '--disable-component-update', '--disable-sync'],
    });
    const page = await browser.newPage({ viewport: { width: 1280, height: 960 } });
    page.setDefaultTimeout(30000 * patience);
    page.setDefaultNavigationTimeout(60000 * patience);
    const editor = new Editor(browser, page, folder, screens);
    await page.goto(`${address}/?folder=${encodeURIComponent(folder)}`);
    await editor.ready();
    return editor;
  }

  constructor(browser, page, folder, screens) {
    Object.assign(this, { browser, page, folder, screens, files: {} });
  }

  ready() {
    return this.page.waitForSelector('.monaco-workbench .part.editor');
  }

  close() {
    return this.browser.close();
  }

  async reload() {
    await this.page.reload();
    await this.ready();
  }

  screenshot(name) {
    return this.page.screenshot({ path: path.join(this.screens, `${name}.png`) });
  }

  pause(milliseconds) {
    return this.page.waitForTimeout(milliseconds);
  }

  /** Trusts the folder: by the dialog of older versions, or by the banner's page. */
  async trust() {
    const yes = this.page.locator('.monaco-dialog-box .monaco-button').filter({ hasText: 'Yes, I trust' });
    const manage = this.page.locator('.part.banner a').filter({ hasText: 'Manage' });
    await yes.or(manage).first().waitFor();
    if (await yes.count() > 0) {
      await yes.first().click();
    } else {
      await manage.click();
      await this.page.locator('.workspace-trust-editor .monaco-button').filter({ hasText: /^Trust$/ }).first().click();
      const heading = this.page.getByText('You trust this folder', { exact: true });
      await heading.waitFor();
      await this.page.locator('.modal-editor-header .codicon-close').click();
      await heading.waitFor({ state: 'hidden' });
    }
    await this.page.locator('.statusbar-item').filter({ hasText: 'Restricted Mode' }).waitFor({ state: 'hidden' });
  }

  /** Runs a command of the palette. */
  async command(title) {
    await this.page.keyboard.press('F1');
    await this.page.waitForSelector('.quick-input-widget:visible');
    await this.page.keyboard.type(title);
    const row = this.page.locator('.quick-input-list .monaco-list-row').filter({ hasText: title }).first();
    await row.waitFor();
    await row.click();
  }

  /** Opens a notebook by its file's name. */
  async notebook(file, beside = false) {
    await this.page.keyboard.press('Control+P');
    await this.page.waitForSelector('.quick-input-widget:visible');
    await this.page.keyboard.type(file);
    const choice = this.page.locator('.quick-input-list .monaco-list-row').filter({ hasText: file }).first();
    await choice.waitFor();
    await this.page.keyboard.press(beside ? 'Control+Enter' : 'Enter');
    await this.page.waitForSelector(`.tab.active[data-resource-name="${file}"]`);
    // A Markdown cell's row is empty: its text is in the page of the outputs.
    const row = (await this.front()).locator('.cell-list-container .monaco-list-row').first();
    await row.waitFor({ state: 'attached' });
  }

  /** The notebook of the group in front. It lies over the group, which names it. */
  async front() {
    const place = this.page.locator('.editor-group-container.active .notebook-editor[aria-flowto]').first();
    return this.page.locator(`#${await place.getAttribute('aria-flowto')}`);
  }

  /** The name of the selected kernel. */
  async kernel() {
    return (await (await this.front()).locator('.kernel-label').first().textContent())?.trim();
  }

  /** Opens the list of kernels, and gives its rows. */
  async kernels() {
    await this.command('Notebook: Select Notebook Kernel');
    const rows = this.page.locator('.quick-input-list .monaco-list-row');
    await rows.filter({ hasText: 'Select Another Kernel...' }).waitFor();
    return rows.allInnerTexts();
  }

  /** Chooses from the next list, by the keyboard: the hover of a row may lie over the next one. */
  async choose(text) {
    const row = '.quick-input-list .monaco-list-row';
    await this.page.locator(row).filter({ hasText: text }).waitFor();
    await this.page.keyboard.type(text);
    await this.page.locator(`${row}.focused`).filter({ hasText: text }).waitFor();
    await this.page.keyboard.press('Enter');
  }

  /** The toolbar's stop button, which is there while cells run. */
  async stop() {
    return (await this.front()).locator('.notebook-toolbar-container [aria-label^="Interrupt"]').first();
  }

  /** Whether a list to choose from lies over the page. */
  asks() {
    return this.page.locator('.quick-input-widget:visible').isVisible();
  }

  /** Whether cells run: the toolbar offers to interrupt them. */
  async runs() {
    return await (await this.stop()).count() > 0;
  }

  /** Waits until no cell runs, nor another begins within a second. */
  async idle(seconds) {
    let quiet = 0;
    await until('the cells to end', async () => {
      quiet = await this.runs() ? 0 : quiet || Date.now();
      return quiet > 0 && Date.now() - quiet > 1000;
    }, seconds);
  }

  /** Scrolls until a cell's first line is in view, and gives its text; one far off is not on the page before. */
  async scrollTo(index) {
    const front = await this.front(), page = await front.locator('.cell-list-container').boundingBox();
    const text = front.locator(`.cell-list-container .monaco-list-row[data-index="${index}"] .view-lines`).first();
    await until(`cell ${index}`, async () => {
      const rows = front.locator('.cell-list-container .monaco-list-row');
      const seen = await rows.evaluateAll(found => found.map(row => Number(row.dataset.index)));
      const y = seen.includes(index) ? (await text.boundingBox())?.y : undefined;
      if (y >= page.y && y < page.y + page.height - 60) return true;
      const far = y === undefined ? (index > Math.max(...seen) ? 400 : -400) : y - page.y - 150;
      await this.page.mouse.move(page.x + 30, page.y + page.height - 60);
      await this.page.mouse.wheel(0, far);
      await this.pause(300);
    }, 60);
    return text;
  }

  /** Puts the focus into a cell's editor, at its end. */
  async focus(index) {
    await this.scrollTo(index);
    // Not the lines themselves, which a long one may have moved to the left, out of the editor.
    const row = (await this.front()).locator(`.cell-list-container .monaco-list-row[data-index="${index}"]`);
    await row.locator('.monaco-editor').first().click({ position: { x: 40, y: 14 } });
    await this.page.keyboard.press('Control+End');
  }

  /** Begins to run a cell. */
  async run(index) {
    await this.focus(index);
    await this.page.keyboard.press('Control+Enter');
  }

  /** The pages inside the page that hold outputs, and have something by a selector. */
  async outputs(selector) {
    const found = [];
    for (const frame of this.page.frames()) {
      if (await this.soon(frame.locator(selector).count(), 0) > 0) found.push(frame);
    }
    return found;
  }

  /** What a frame answers; one that is just being replaced fails, or never answers. */
  soon(answer, otherwise) {
    return Promise.race([answer.catch(() => otherwise), this.pause(3000 * patience).then(() => otherwise)]);
  }

  /** The text of all outputs that are on the page. */
  async shown() {
    let text = '';
    for (const frame of await this.outputs('.output_container, .output')) {
      text += await this.soon(frame.evaluate(() => document.body.innerText), '');
    }
    return text;
  }

  /** The notifications that stand at the lower right. */
  notifications() {
    return this.page.locator('.notifications-toasts .notification-toast').allInnerTexts();
  }

  /** A notebook as it is saved; a file that is just being written is not whole, and the time before counts. */
  saved(file) {
    const text = readFileSync(path.join(this.folder, 'notebooks', file), 'utf8');
    try {
      this.files[file] = JSON.parse(text);
    } catch {
      this.files[file] ??= { cells: [] };
    }
    return this.files[file];
  }

  /** The outputs of a cell as they are saved, as text. */
  savedOutput(file, index) {
    return (this.saved(file).cells[index]?.outputs ?? []).map(output => JSON.stringify(output)).join('\n');
  }
}
