import assert from 'node:assert/strict';
import { test } from 'node:test';
import { redact, redacted, requireSecrets } from './redaction.ts';

const secrets = new Set(['osparams_secret', 'key']);

test('values of secrets go, keys and everything else stay', () => {
  const value = {
    name: 'web',
    key: 'k',
    osparams_secret: { root: 'pw', more: ['x', 1] },
    instances: [{ osparams_secret: { root: 'pw' }, osparams: { root: 'no secret' } }],
  };
  assert.deepEqual(redact(value, secrets), {
    name: 'web',
    key: redacted,
    osparams_secret: { root: redacted, more: [redacted, redacted] },
    instances: [{ osparams_secret: { root: redacted }, osparams: { root: 'no secret' } }],
  });
  assert.equal(value.key, 'k');
});

test('without secrets nothing is copied', () => {
  const value = { name: 'web', key: null, osparams_secret: {}, nics: [{ ip: '::1' }] };
  assert.equal(redact(value, secrets), value);
});

test('lost secrets are noticed wherever they stand', () => {
  requireSecrets({ key: 'k', name: redacted }, secrets);
  const lost = { message: 'Please re-submit secret parameters to job.' };
  assert.throws(() => requireSecrets({ key: redacted }, secrets), lost);
  assert.throws(() => requireSecrets({ instances: [{ osparams_secret: { a: redacted } }] }, secrets), lost);
});
