import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { permissions, rightsOf, roles } from './permissions.ts';
import { routes } from './routes/table.ts';
import { mayUse, parseUsers } from './users.ts';

const sorted = (words: Iterable<string>) => [...words].sort();
const granted = (line: string) => sorted(rightsOf(line.split(',')).permissions ?? []);

describe('permissions', () => {
  test('are Ganeti’s 66, and each guards a route', () => {
    assert.equal(new Set(permissions).size, 66);
    const used = new Set(routes.map(({ permission }) => permission));
    assert.deepEqual(
      permissions.filter((permission) => !used.has(permission)),
      [],
    );
  });

  test('only what tells nothing of the cluster needs none', () => {
    const open = routes.filter(({ permission }) => permission === null).map(({ path }) => path);
    assert.deepEqual(sorted(open.filter((path) => !path.startsWith('/3'))), [
      '/',
      '/2',
      '/2/features',
      '/version',
    ]);
  });

  test('roles hold what Ganeti’s do', () => {
    assert.deepEqual(
      Object.entries(roles).map(([name, held]) => [name, new Set(held).size]),
      [
        ['admin', 66],
        ['readonly', 18],
        ['operator', 28],
      ],
    );
  });

  test('stand in any order: what is taken away is gone', () => {
    const without = sorted(permissions.filter((permission) => permission !== 'instances.remove'));
    for (const line of ['@admin,-instances.remove', '-instances.remove,@admin', '-instances.remove,write'])
      assert.deepEqual(granted(line), without, line);
    assert.deepEqual(granted('@readonly,+jobs.cancel'), sorted([...roles.readonly!, 'jobs.cancel']));
    assert.deepEqual(granted('jobs.list,instances.create'), ['instances.create', 'jobs.list']);
    fc.assert(
      fc.property(
        fc.subarray([...permissions], { minLength: 1 }),
        fc.constantFrom('@admin', '@operator', '@readonly', 'write', 'read', 'all'),
        fc.boolean(),
        (gone, role, first) => {
          const removals = gone.map((permission) => `-${permission}`);
          const left = new Set(granted((first ? [role, ...removals] : [...removals, role]).join(',')));
          return gone.every((permission) => !left.has(permission));
        },
      ),
    );
  });

  test('words that say nothing are told and grant nothing', () => {
    assert.deepEqual(rightsOf(['@root', '-instance.remove', 'jobs.list', 'odd']), {
      permissions: new Set(['jobs.list']),
      faults: ["unknown role '@root'", "unknown permission 'instance.remove'", "unknown permission 'odd'"],
    });
    assert.deepEqual(rightsOf(['@constructor']).permissions, new Set());
  });
});

describe('routes', () => {
  const users = parseUsers(
    'older pw write\nreader pw read\nnobody pw\nadmin pw @admin\noperator pw @operator\nnone pw -jobs.list\n',
  );
  const usable = (name: string) =>
    routes.filter((route) => mayUse(users.get(name)!, route)).map(({ method, path }) => `${method} ${path}`);

  test('the older form means what it means in Ganeti 3.1', () => {
    assert.equal(usable('older').length, routes.length);
    const forReaders = usable('reader').filter((route) => !usable('nobody').includes(route));
    assert.deepEqual(forReaders.filter((route) => !route.includes('/3/')).sort(), [
      'GET /2/instances/{instance_name}/console',
      'GET /2/query/{resource}',
      'PUT /2/query/{resource}',
    ]);
    assert.equal(usable('nobody').includes('GET /2/jobs/{job_id}/wait'), false);
    assert.equal(usable('nobody').includes('GET /2/nodes'), true);
  });

  test('the newer form is exact', () => {
    assert.equal(usable('admin').length, routes.length);
    assert.deepEqual(
      usable('none').filter((route) => !route.includes('/3')),
      ['GET /', 'GET /2', 'GET /version', 'GET /2/features'],
    );
    const operator = usable('operator');
    assert.equal(operator.includes('PUT /2/instances/{instance_name}/startup'), true);
    assert.equal(operator.includes('PUT /2/instances/{instance_name}/modify'), false);
    assert.equal(operator.includes('DELETE /2/instances/{instance_name}'), false);
    assert.equal(operator.includes('GET /2/jobs/{job_id}/wait'), false);
  });
});
