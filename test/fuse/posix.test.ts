// The POSIX suite on mounts: every way reads can be served and requests can survive. Each mount loses its daemon in the middle,
// so the second half of the suite runs on a successor that took over.
import { mkdirSync } from 'node:fs';
import { after, before, suite, test } from 'node:test';
import { makePosixTree, POSIX } from '../contract/posix.ts';
import { makeScratch, mountSource, type TestMount } from '../support/mounts.ts';
import { requireFuse, type Needs } from '../support/require-fuse.ts';

const KINDS: { name: string; options: string[]; needs?: Needs }[] = [
  {
    name: 'large files read by the kernel (passthrough)',
    options: ['--passthrough', 'on'],
    needs: { root: 'only root may register backing files', kernel: '6.9' },
  },
  { name: 'everything read by the daemon', options: ['--passthrough', 'off'] },
  {
    name: 'nothing cached by the kernel',
    options: ['--entry-timeout', '0', '--attr-timeout', '0', '--passthrough', 'off'],
  },
  { name: 'takeover by RESEND', options: ['--takeover', 'resend', '--standby', 'off'], needs: { kernel: '6.9' } },
  { name: 'takeover by the journal', options: ['--takeover', 'journal', '--standby', 'off'] },
  { name: 'link text as it is', options: ['--links', 'raw'] },
];

for (const { name, options, needs } of KINDS) {
  suite(`a mount, ${name}`, { skip: requireFuse(needs) }, () => {
    const scratch = makeScratch();
    const source = scratch.at('source');
    let mount: TestMount;
    before(async () => {
      mkdirSync(source);
      makePosixTree(source);
      mount = await mountSource({ source, options });
    });
    after(async () => {
      await mount[Symbol.asyncDispose]();
      scratch[Symbol.dispose]();
    });
    const checks = Object.entries(POSIX);
    for (const [i, [title, check]] of checks.entries()) {
      test(title, async () => {
        if (i === Math.floor(checks.length / 2)) await mount.kill('daemon');
        check(mount.target, { source, scratch: scratch.path });
      });
    }
  });
}
