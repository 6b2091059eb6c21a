import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createMetrics } from './metrics.ts';

suite('createMetrics()', () => {
  test('counters: help, type, one line per series, nothing for what has no series', () => {
    const metrics = createMetrics();
    metrics.counter('read_bytes_total', 'Bytes read.', { from: 'cache' }).add(10);
    metrics.counter('read_bytes_total', 'Bytes read.', { from: 'ufs' }).add();
    metrics.counter('read_bytes_total', 'Bytes read.', { from: 'cache' }).add(2.5);
    assert.equal(
      metrics.expose(),
      '# HELP read_bytes_total Bytes read.\n# TYPE read_bytes_total counter\n' +
        'read_bytes_total{from="cache"} 12.5\nread_bytes_total{from="ufs"} 1\n',
    );
    assert.equal(createMetrics().expose(), '');
  });

  test('gauges are asked when the text is written, and left out while they have no value', () => {
    const metrics = createMetrics();
    let value: number | undefined;
    metrics.gauge('used_bytes', 'Bytes used.', () => value);
    assert.equal(metrics.expose(), '');
    for (const [now, text] of [
      [3, '3'],
      [0, '0'],
      [1e21, '1e+21'],
      [NaN, 'NaN'],
      [-Infinity, '-Inf'],
    ] as const) {
      value = now;
      assert.ok(metrics.expose().endsWith(`\nused_bytes ${text}\n`));
    }
  });

  test('histograms: buckets count all that is not above them, the last one everything', () => {
    const metrics = createMetrics();
    const took = metrics.histogram('answer_seconds', 'Time.', [0.1, 1], { route: 'data' });
    for (const value of [0.05, 0.1, 0.5, 7]) took.observe(value);
    assert.deepEqual(metrics.expose().split('\n').slice(1), [
      '# TYPE answer_seconds histogram',
      'answer_seconds_bucket{route="data",le="0.1"} 2',
      'answer_seconds_bucket{route="data",le="1"} 3',
      'answer_seconds_bucket{route="data",le="+Inf"} 4',
      'answer_seconds_sum{route="data"} 7.65',
      'answer_seconds_count{route="data"} 4',
      '',
    ]);
  });

  test('text that would break a line is escaped', () => {
    const metrics = createMetrics();
    metrics.gauge('used_bytes', 'a\\b\nc"d', () => 1, { path: 'a\\b\nc"d' });
    assert.equal(
      metrics.expose(),
      '# HELP used_bytes a\\\\b\\nc"d\n# TYPE used_bytes gauge\nused_bytes{path="a\\\\b\\nc\\"d"} 1\n',
    );
  });

  test('names that break the rules are refused', () => {
    const metrics = createMetrics();
    metrics.counter('x_total', '');
    assert.throws(() => metrics.counter('reads', ''), /does not end as it must/);
    assert.throws(() => metrics.gauge('y_total', '', () => 1), /does not end as it must/);
    assert.throws(() => metrics.histogram('z_ms', '', [1]), /does not end as it must/);
    assert.throws(() => metrics.gauge('x_total', '', () => 1), /it is a counter already/);
    assert.throws(() => metrics.gauge('1x', '', () => 1));
    assert.throws(() => metrics.gauge('x-y', '', () => 1));
    assert.throws(() => metrics.gauge('y', '', () => 1, { 'a-b': '' }), /label/);
    assert.throws(() => metrics.histogram('t_seconds', '', [1], { le: '1' }), /"le"/);
    assert.throws(() => metrics.histogram('t_seconds', '', [2, 1]), /not rising/);
    assert.throws(() => metrics.counter('x_total', '').add(-1), /only grow/);
  });
});
