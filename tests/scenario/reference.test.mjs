// The pages under docs/reference are what the program says today: `make docs` writes them anew.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

const root = new URL('../../', import.meta.url);
const pages = {
  markdown: 'docs/reference/configuration.md',
  steps: 'docs/reference/exchange-steps.md',
  json: 'docs/reference/configuration.schema.json',
  'acceptance-markdown': 'docs/reference/acceptance.md',
  'intake-markdown': 'docs/reference/intake.md',
};

for (const [format, page] of Object.entries(pages)) {
  test(`${page} is current`, () => {
    const said = execFileSync(process.env.RINGWAY, ['schema', '--format', format], {
      encoding: 'utf8',
      maxBuffer: 16 << 20,
    });
    assert.equal(readFileSync(new URL(page, root), 'utf8'), said, 'run `make docs`');
  });
}

for (const [format, page] of [['load-markdown', 'load-scenario.md'], ['simulation-markdown', 'simulation.md']]) test(`docs/reference/${page} is current`, () => {
  const said = execFileSync(process.env.RINGWAY, ['schema', '--format', format], { encoding: 'utf8' });
  assert.equal(readFileSync(new URL(`docs/reference/${page}`, root), 'utf8'), said, 'run `make docs`');
});

for (const [format, file] of [['acceptance', 'acceptance.schema.json'], ['load', 'load-scenario.schema.json'], ['simulation', 'simulation.schema.json'], ['intake', 'intake.schema.json']]) test(`docs/reference/${file} is current`, () => {
  const said = execFileSync(process.env.RINGWAY, ['schema', '--format', format], { encoding: 'utf8' });
  const page = new URL(`docs/reference/${file}`, root);
  assert.equal(readFileSync(page, 'utf8'), said, 'run `make docs`');
  assert.equal(JSON.parse(said).$schema, 'https://json-schema.org/draft/2020-12/schema');
});

test('the schema is JSON, and names its draft', () => {
  const schema = JSON.parse(readFileSync(new URL(pages.json, root), 'utf8'));
  assert.equal(schema.$schema, 'https://json-schema.org/draft/2020-12/schema');
});
