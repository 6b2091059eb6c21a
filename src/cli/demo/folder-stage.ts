// The demo over a folder of this machine.
import { parseSource } from '../sources.ts';
import { makeBindfs, makeUnsupervised } from './ordinary-mount.ts';
import type { SampleFile } from './sample.ts';
import type { OurSource, Room, Stage } from './stage.ts';

export function folderStage(source: string, sample: readonly SampleFile[], { stateFolder, log }: Room): Stage {
  const ours = (): OurSource => ({ source: parseSource(`local:${source}`), sourceConfig: '' });
  return {
    sample,
    ours,
    // bindfs if it is installed and works, else our own daemon with nobody to watch over it.
    ordinary: async (target) =>
      (await makeBindfs(source, target, log)) ?? (await makeUnsupervised(ours(), target, stateFolder)),
    remark: source,
  };
}
