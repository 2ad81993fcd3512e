// Reports as their readers open them: in a browser, from a file. Run by .ci/run; RDPWHY names the program.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { after, before, test } from 'node:test';
import axe from 'axe-core';
import { launch } from './chromium.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const program = process.env.RDPWHY ?? join(root, 'target/debug/rdpwhy');
const folder = mkdtempSync(join(tmpdir(), 'rdpwhy-browser-'));
let browser;

before(async () => { browser = await launch(); });
after(async () => {
  await browser.close();
  rmSync(folder, { recursive: true });
});

function report(name, captures, ...options) {
  const file = join(folder, name + '.html');
  const from = captures.map(capture => join(root, 'captures', capture));
  execFileSync(program, ['report', ...from, '-o', file, '--quiet', ...options]);
  return file;
}

// Opens a page; `close` tells whether it fetched anything or complained.
async function open(file, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  const heard = [];
  page.on('console', message => heard.push(`${message.type()}: ${message.text()}`));
  page.on('pageerror', error => heard.push(`error: ${error}`));
  page.on('dialog', dialog => { heard.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
  const address = 'file://' + file;
  page.on('request', request => {
    if (request.url().split('#')[0] !== address) heard.push(`request: ${request.url()}`);
  });
  await page.goto(address);
  const close = async () => {
    assert.deepEqual(heard, [], file);
    await context.close();
  };
  return { page, close };
}

const one = () => report('one', ['tls-cipher-mismatch/xrdp-tls12.pcapng'], '--force');
const several = () => report('several', [
  'tls-cipher-mismatch/xrdp-tls12.pcapng', 'nla-authentication-failed/shadow-tls12.pcapng',
  'negotiation-nla-required/shadow.pcapng', 'tcp-syn-unanswered/ipv6.pcapng', 'healthy/xrdp-tls13.pcapng',
  'udp-lossy/beside-tcp.pcapng',
], '--force');

test('the break is in the picture, and evidence leads there and back', async () => {
  const { page, close } = await open(one());
  const broke = page.locator('.wide svg .message.bad');
  assert.equal(await broke.count(), 1);
  assert.match(await broke.textContent(), /✘ TLS alert: fatal handshake_failure/);
  const link = page.locator('.evidence a').first();
  const arrow = (await link.getAttribute('href')).slice(1);
  await link.click();
  assert.equal(new URL(page.url()).hash, '#' + arrow);
  const target = page.locator(`[id="${arrow}"]`);
  assert.equal(await target.locator('.message.bad').count(), 1, 'the first evidence is the break');
  const row = (await target.getAttribute('href')).slice(1);
  await target.locator('path.head').click();
  assert.equal(new URL(page.url()).hash, '#' + row);
  assert.match(await page.locator(`[id="${row}"]`).textContent(), /frame\.number == 9/);
  for (const link of await page.locator('a[href^="#"]').all()) {
    const name = (await link.getAttribute('href')).slice(1);
    assert.equal(await page.locator(`[id="${name}"]`).count(), 1, name);
  }
  await close();
});

test('parts unfold by the keyboard, and all of them for print', async () => {
  const { page, close } = await open(one());
  const timeline = page.locator('details:has(table.timeline)');
  assert.equal(await timeline.locator('table').isVisible(), false);
  await timeline.locator('summary').focus();
  await page.keyboard.press('Enter');
  assert.equal(await timeline.locator('table').isVisible(), true);
  assert.equal(await timeline.locator('tbody tr').count(), 11);
  await page.pdf();
  assert.equal(await page.locator('details:not([open])').count(), 0);
  await close();
});

test('the overview is narrowed by words', async () => {
  const { page, close } = await open(several());
  const rows = page.locator('#sessions tbody tr:not(.attempt)');
  const all = await rows.count();
  assert.ok(all >= 5, `${all} rows`);
  const visible = async () => (await Promise.all((await rows.all()).map(row => row.isVisible()))).filter(Boolean).length;
  const needle = page.getByLabel('Show only rows with');
  await needle.fill('failed tls-cipher');
  assert.equal(await visible(), 1);
  assert.equal(await page.getByRole('status').textContent(), '1 shown');
  await needle.press('Enter');
  assert.equal(await visible(), 1, 'Enter sends nothing');
  await needle.fill('');
  assert.equal(await visible(), all);
  await page.locator('#sessions a').first().click();
  assert.match(new URL(page.url()).hash, /^#session-\d+$/);
  await close();
});

test('a narrow window has its own picture, in which labels are whole', async () => {
  const { page, close } = await open(one(), { viewport: { width: 390, height: 900 } });
  assert.equal(await page.locator('.wide:visible').count(), 0);
  assert.match(await page.locator('.narrow svg .message.bad').textContent(), /✘ TLS alert: fatal handshake_failure/);
  const outside = await page.locator('.narrow svg').first().evaluate(svg => {
    const frame = svg.getBoundingClientRect();
    const sticksOut = text => {
      const { left, right } = text.getBoundingClientRect();
      return left < frame.left - 1 || right > frame.right + 1;
    };
    return [...svg.querySelectorAll('text')].filter(sticksOut).map(text => text.textContent);
  });
  assert.deepEqual(outside, []);
  const link = page.locator('.evidence a:visible').first();
  const arrow = (await link.getAttribute('href')).slice(1);
  await link.click();
  assert.ok(await page.locator(`[id="${arrow}"]`).isVisible());
  await close();
});

test('what ended like another is folded, and its link unfolds it', async () => {
  const { page, close } = await open(report('twice', ['nla-authentication-failed/shadow-tls12.pcapng'], '--force'));
  const second = page.locator('#session-2');
  assert.equal(await page.locator('#session-1').isVisible(), true);
  assert.equal(await second.isVisible(), false);
  await page.locator('#sessions a', { hasText: '2' }).click();
  assert.equal(await second.isVisible(), true);
  assert.match(await page.locator('#session-1 .words').textContent(), /CredSSP.*the protocol of NLA/s);
  await close();
});

test('without scripts nothing is missing but the filter', async () => {
  const { page, close } = await open(several(), { javaScriptEnabled: false });
  assert.equal(await page.locator('#filter').isVisible(), false);
  assert.ok(await page.locator('article.session').count() >= 4);
  await page.locator('details summary').last().click();
  assert.ok(await page.getByText('SHA-256').last().isVisible());
  await close();
});

test('UDP stands beside TCP, and a plot shows its course', async () => {
  const { page, close } = await open(report('lossy', ['udp-lossy/beside-tcp.pcapng', 'session-lossy/at-the-server.pcapng.gz']));
  assert.match(await page.locator('.wide svg .message.udp.key').textContent(), /UDP tried from port \d+/);
  for (const picture of await page.locator('.wide svg:has(.phase)').all()) {
    const phases = await picture.locator('.phase').allTextContents();
    assert.deepEqual(phases, [...new Set(phases)], 'no phase comes twice');
  }
  assert.match(await page.locator('.wide svg .result').textContent(), /lost: to the server [\d.]+ %, to the client [\d.]+ %/);
  const plot = page.locator('.wide').getByRole('img').filter({ hasText: "42 of the server's had to be sent again" });
  assert.match(await plot.locator('title').textContent(), /TCP health of session \d over time/);
  assert.ok(await plot.isVisible());
  assert.ok(await plot.locator('rect.server').count() > 10);
  await close();
});

test('what came out of packets does nothing', async () => {
  const page = process.env.RDPWHY_HOSTILE ?? join(root, 'target/tmp/hostile.html');
  assert.ok(existsSync(page), `${page} is missing: cargo test --test hostile makes it`);
  const { page: shown, close } = await open(page);
  assert.equal(await shown.locator('img, iframe, object, embed, link, base').count(), 0);
  for (const row of await shown.locator('main').all()) assert.match(await row.textContent(), /Evil/);
  await close();
});

for (const [name, colorScheme, width] of [['wide', 'light', 1280], ['dark', 'dark', 1280], ['narrow', 'light', 390]]) {
  test(`axe finds no serious fault, ${name}`, async () => {
    for (const file of [one(), several()]) {
      // Its own policy would forbid the checker.
      const context = await browser.newContext({ bypassCSP: true, colorScheme, viewport: { width, height: 900 } });
      const page = await context.newPage();
      await page.goto('file://' + file);
      const wider = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(wider <= 0, `${file} is ${wider} pixels too wide`);
      await page.evaluate(() => document.querySelectorAll('details').forEach(part => { part.open = true; }));
      await page.evaluate(axe.source);
      const { violations } = await page.evaluate(() => globalThis.axe.run());
      const serious = violations.filter(({ impact }) => ['serious', 'critical'].includes(impact));
      const told = serious.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.slice(0, 3).map(node => node.html).join(' | ')}`);
      assert.deepEqual(told, [], file);
      await context.close();
    }
  });
}
