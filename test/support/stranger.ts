// A process that asks at a session's socket for what is not its own, and prints as JSON what it got.
//
// Arguments: the socket, the user to be ('' for the one it is started as), the message.
import { connect, E, file, receiveMessage, sendMessage, SystemError } from '../../src/libc/index.ts';

export interface StrangerOutcome {
  /** Undefined: connected. */
  refused: string | undefined;
  messages: string[];
  descriptors: number;
}

const WAIT_MS = 5_000;

const [socket = '', uid = '', message = ''] = process.argv.slice(2);
if (uid !== '') {
  process.setgroups?.([]);
  process.setgid?.(Number(uid));
  process.setuid?.(Number(uid));
}
process.stdout.write(JSON.stringify(ask()));

/** Sends the message and takes what comes until the other end closes, or nothing comes any more. */
function ask(): StrangerOutcome {
  const outcome: StrangerOutcome = { refused: undefined, messages: [], descriptors: 0 };
  let fd: number;
  try {
    fd = connect(socket);
  } catch (err) {
    if (!(err instanceof SystemError)) throw err;
    return { ...outcome, refused: err.code };
  }
  if (sendMessage(fd, Buffer.from(message), []) === E.EAGAIN) throw new Error('Cannot ask: the socket is full');
  while (file.pollOne(fd, file.POLLIN, WAIT_MS) !== 0) {
    const got = receiveMessage(fd);
    if (got.kind !== 'message') break;
    outcome.messages.push(got.bytes.toString());
    outcome.descriptors += got.fds.length;
  }
  return outcome;
}
