// What the state of a mount means, and what to do about it.
import { formatDuration } from '../../base/index.ts';
import { bad, ok, warn, type Finding } from './finding.ts';
import type { Mount, Part, SeenProcess } from './mount.ts';

const OUR_TYPE = 'fuse.evermount';

/** Whether a mount of ours is there. */
export function isOurs({ entry }: Mount): boolean {
  return entry?.type === OUR_TYPE;
}

export function judgeMount(mount: Mount): Finding[] {
  const { entry, target, folder } = mount;
  if (entry === undefined) {
    if (folder === undefined)
      return [warn('mount', `nothing is mounted at ${target}`, `evermount mount SOURCE ${target}`)];
    return [
      warn(
        'mount',
        `nothing is mounted at ${target}, but the state of a session for it is left over`,
        `evermount umount ${target} removes it`,
      ),
    ];
  }
  if (entry.type !== OUR_TYPE) {
    return [
      warn(
        'mount',
        `"${entry.source}" (${entry.type}) is mounted at ${target}: no mount of ours`,
        answerOfStranger(mount),
      ),
    ];
  }
  const table = ok(
    'mount',
    `"${entry.source}" is mounted at ${target}, connection ${entry.device.split(':')[1] ?? '?'}`,
  );
  if (folder === undefined) return [table, judgeWithoutState(mount)];
  if (mount.processes.length === 0) return [table, judgeWithoutProcesses(mount)];
  return [
    table,
    judgeRecord(mount),
    judgeHolder(mount, 'vault', 'supervisor'),
    judgeHolder(mount, 'supervisor', 'vault'),
    judgeDaemon(mount),
    ...judgeStandby(mount),
    ...judgeRequests(mount),
    judgeAnswer(mount),
  ];
}

function answerOfStranger({ answer }: Mount): string {
  switch (answer) {
    case 'dead':
      return 'its daemon is dead ("Transport endpoint is not connected"): unmount it as it was mounted, for instance fusermount3 -u -z';
    case 'hung':
      return 'it does not answer either: ask whoever serves it';
    default:
      return 'examine it with the tools it came with';
  }
}

function judgeWithoutState({ target, answer }: Mount): Finding {
  if (answer === 'dead') {
    return bad(
      'session',
      'it is dead ("Transport endpoint is not connected"), and nothing is known of its session',
      `evermount umount ${target}, then mount again`,
    );
  }
  return bad(
    'session',
    'nothing is known of its session here',
    'another user made it, or it was made with another EVERMOUNT_STATE_DIR: examine it as that user, with that folder',
  );
}

function judgeWithoutProcesses({ target, record, answer }: Mount): Finding {
  const again = `evermount umount ${target}, then mount again`;
  if (record?.aborted !== undefined)
    return bad('session', `it was given up: ${record.aborted}. Applications get errors`, again);
  if (answer === 'dead') {
    return bad(
      'session',
      'it is lost: vault, supervisor and daemon all died, nobody holds its descriptors ("Transport endpoint is not connected")',
      again,
    );
  }
  return bad(
    'session',
    'none of its processes was found',
    answer === 'folder' ? 'it answers all the same; look again' : again,
  );
}

function judgeRecord({ record, folder }: Mount): Finding {
  if (record === undefined)
    return bad(
      'session record',
      `${String(folder?.record)} cannot be read: a process that dies cannot be replaced`,
      'unmount and mount again when it suits',
    );
  if (record.aborted !== undefined)
    return bad('session', `it was given up: ${record.aborted}`, `evermount umount ${record.target}, then mount again`);
  return ok('session', `${record.source}, mounted ${record.createdAt}`);
}

function judgeHolder(mount: Mount, part: Part, other: Part): Finding {
  const process = mount.processes.find((each) => each.part === part);
  const replacer = mount.processes.find((each) => each.part === other);
  if (process === undefined) {
    return bad(
      part,
      `not running: the ${other} starts another`,
      `look again; if it stays so, see the log: ${logOf(mount)}`,
    );
  }
  if (isStopped(process)) {
    if (replacer === undefined || isStopped(replacer)) {
      return bad(part, `${text(process)}, and so is the ${other}, which would replace it`, `kill -CONT ${process.pid}`);
    }
    return bad(part, `${text(process)}: the ${other} kills and replaces it ${withinHangTimeout(mount)}`, 'nothing');
  }
  if (part === 'supervisor' && mount.status === undefined) {
    return bad(
      part,
      `${text(process)}, but does not answer: the ${other} kills and replaces it ${withinHangTimeout(mount)}`,
      'look again',
    );
  }
  return ok(part, `${text(process)}: holds the descriptors`);
}

function judgeDaemon(mount: Mount): Finding {
  const { status, processes, target } = mount;
  const daemons = processes.filter(({ part }) => part === 'daemon');
  const serving = status === undefined ? undefined : daemons.find(({ pid }) => pid === status.pids.daemon);
  const suspects = status === undefined ? daemons : [serving].filter((each) => each !== undefined);
  const stopped = suspects.find(isStopped);
  if (stopped !== undefined) {
    const waits = `${text(stopped)}: it serves nothing, applications wait`;
    if (status === undefined)
      return bad('daemon', `${waits}; the supervisor does not replace it as it is`, `kill -CONT ${stopped.pid}`);
    const replaced = `it is killed and replaced ${withinHangTimeout(mount)}`;
    return bad('daemon', `${waits}; ${replaced}`, 'nothing: applications go on by themselves then');
  }
  if (serving !== undefined) return ok('daemon', `${text(serving)}: serves`);
  if (status === undefined) {
    if (daemons.length === 0) {
      return bad(
        'daemon',
        'none is running',
        `look again; if it stays so: evermount umount ${target}, then mount again`,
      );
    }
    return ok(
      'daemon',
      `${daemons.map(text).join(', ')}: running; without the supervisor nobody tells which one serves`,
    );
  }
  const deadline = formatDuration(status.options.recoverDeadlineMs);
  return bad(
    'daemon',
    `none serves (${status.state}): applications wait, at most ${deadline} (--recover-deadline)`,
    `look again; the log may tell why: ${logOf(mount)}`,
  );
}

function judgeStandby({ status, processes }: Mount): Finding[] {
  if (status === undefined) return [];
  const standby = processes.find(({ pid }) => pid === status.pids.standby);
  if (standby !== undefined) {
    return [
      isStopped(standby)
        ? warn('standby', `${text(standby)}: it cannot take over, and is killed and replaced`, 'nothing')
        : ok('standby', `${text(standby)}: takes over when the daemon dies`),
    ];
  }
  return [
    ok(
      'standby',
      status.options.standby === 'off'
        ? 'not wanted (--standby off)'
        : 'none just now: a crash costs the start of a daemon',
    ),
  ];
}

function judgeRequests({ requestsWaiting, answer }: Mount): Finding[] {
  if (requestsWaiting === undefined) return [];
  if (answer !== 'hung' || requestsWaiting === 0) return [ok('requests', `${requestsWaiting} under way`)];
  return [bad('requests', `${requestsWaiting} wait for an answer`, 'they are answered when a daemon serves again')];
}

function judgeAnswer({ answer, target }: Mount): Finding {
  switch (answer) {
    case 'folder':
      return ok('answer', 'the mount answers');
    case 'hung':
      return bad(
        'answer',
        'the mount did not answer within 3 s',
        'look again: a daemon that hangs is replaced, and a session nobody can serve is ended',
      );
    case 'dead':
      return bad('answer', 'the mount is dead: every access fails', `evermount umount ${target}, then mount again`);
    case 'denied':
      return warn(
        'answer',
        'the mount does not let you in',
        'examine it as the user who mounted it, or mount with --allow-other',
      );
    default:
      return bad('answer', 'there is no folder at the root of the mount', 'look whether the source is still there');
  }
}

function isStopped({ schedulerState }: SeenProcess): boolean {
  return schedulerState === 'T' || schedulerState === 't';
}

function text(process: SeenProcess): string {
  return `process ${process.pid}${isStopped(process) ? ` is stopped (state ${process.schedulerState})` : ''}`;
}

function withinHangTimeout({ status, record }: Mount): string {
  const hangTimeoutMs = status?.options.hangTimeoutMs ?? record?.options.hangTimeoutMs;
  return hangTimeoutMs === undefined ? 'soon' : `within about ${formatDuration(hangTimeoutMs)} (--hang-timeout)`;
}

function logOf({ folder }: Mount): string {
  return folder?.log ?? '';
}
