// Pictures of reports: node shots.mjs FOLDER REPORT.html..., wide and narrow, light and dark, and as they are printed.
import { basename, join, resolve } from 'node:path';
import { launch } from './chromium.mjs';

const [folder, ...reports] = process.argv.slice(2);
const browser = await launch();
for (const report of reports) {
  const name = join(folder, basename(report, '.html'));
  for (const [size, width] of [['wide', 1280], ['narrow', 390]]) {
    for (const colorScheme of ['light', 'dark']) {
      const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
      await page.goto('file://' + resolve(report));
      await page.screenshot({ path: `${name}-${size}-${colorScheme}.png`, fullPage: true });
      if (size === 'wide' && colorScheme === 'light') await page.pdf({ path: name + '.pdf', format: 'A4' });
      await page.close();
    }
  }
}
await browser.close();
