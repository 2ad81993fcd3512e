// Pictures of reports: node shots.mjs FOLDER REPORT.html..., wide and narrow, light and dark.
import { basename, join, resolve } from 'node:path';
import { launch } from './chromium.mjs';

const [folder, ...reports] = process.argv.slice(2);
const browser = await launch();
for (const report of reports) {
  for (const [name, width, colorScheme] of [['wide', 1280, 'light'], ['dark', 1280, 'dark'], ['narrow', 390, 'light']]) {
    const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
    await page.goto('file://' + resolve(report));
    await page.screenshot({ path: join(folder, basename(report, '.html') + '-' + name + '.png'), fullPage: true });
    await page.close();
  }
}
await browser.close();
