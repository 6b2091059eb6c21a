import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { objectRef } from '../ufs/index.ts';
import { rank, seatOf, type Seat } from './rendezvous.ts';

const seats = Array.from({ length: 10 }, (_, at) => seatOf(`worker-${at}`));
const objects = Array.from({ length: 2000 }, (_, at) => objectRef(Buffer.from(`file-${at}`), 'v', 1).id);

function owners(of: readonly Seat[]): string[] {
  return objects.map((id) => rank(of, id, 0, 1)[0]!.id);
}

suite('rank()', () => {
  test('gives every worker about its share, of objects and of the pieces of one', () => {
    const piecesOfOne = Array.from({ length: 2000 }, (_, piece) => rank(seats, objects[0]!, piece, 1)[0]!.id);
    for (const chosen of [owners(seats), piecesOfOne]) {
      const shares = seats.map(({ id }) => chosen.filter((it) => it === id).length);
      for (const share of shares) assert.ok(share > 140 && share < 260, shares.join(' '));
    }
  });

  test('when a worker leaves, only what it had moves, to those who were next', () => {
    const left = seats.filter(({ id }) => id !== 'worker-3');
    const before = objects.map((id) => rank(seats, id, 0, 2).map((it) => it.id));
    owners(left).forEach((owner, at) => {
      const [first, second] = before[at]!;
      assert.equal(owner, first === 'worker-3' ? second : first);
    });
  });

  test('when a worker joins, it takes its share and nothing moves between the others', () => {
    const after = owners([...seats, seatOf('new')]);
    const moved = owners(seats).filter((owner, at) => owner !== after[at]);
    assert.ok(moved.length > 120 && moved.length < 250, String(moved.length));
    assert.equal(after.filter((owner) => owner === 'new').length, moved.length);
  });

  test('does not depend on the order of the list and gives nobody twice', () => {
    const backwards = [...seats].reverse();
    for (const id of objects.slice(0, 200)) {
      const ranked = rank(seats, id, 7, 3);
      assert.deepEqual(rank(backwards, id, 7, 3), ranked);
      assert.equal(new Set(ranked).size, 3);
    }
  });

  test('gives as many as there are', () => {
    assert.deepEqual(rank([], objects[0]!, 0, 3), []);
    assert.equal(rank(seats.slice(0, 2), objects[0]!, 0, 3).length, 2);
    assert.equal(rank(seats, objects[0]!, 0, 20).length, 10);
  });
});
