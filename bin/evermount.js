#!/usr/bin/env node
// Starts the CLI on a Node that can run it: this one if new enough, else the one pinned as a development dependency.

const NODE_MAJOR_MIN = 24;
const EXIT_UNAVAILABLE = 69;
const EXIT_NOT_BUILT = 70;

if (Number.parseInt(process.versions.node, 10) >= NODE_MAJOR_MIN) {
  await runHere();
} else {
  await runOnPinnedNode();
}

async function runHere() {
  const main = new URL('../dist/cli/main.js', import.meta.url).href;
  try {
    await import(main);
  } catch (err) {
    if (err?.code !== 'ERR_MODULE_NOT_FOUND' || err.url !== main) throw err;
    process.stderr.write('evermount: Cannot start: dist/cli/main.js is missing, run npm run build\n');
    process.exitCode = EXIT_NOT_BUILT;
  }
}

async function runOnPinnedNode() {
  const { existsSync } = await import('node:fs');
  const { spawn } = await import('node:child_process');
  const { fileURLToPath } = await import('node:url');

  const node = fileURLToPath(new URL('../node_modules/node/bin/node', import.meta.url));
  if (!existsSync(node)) {
    process.stderr.write(`evermount: Cannot start: needs Node >= ${NODE_MAJOR_MIN}, found ${process.version}\n`);
    process.exitCode = EXIT_UNAVAILABLE;
    return;
  }

  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' });
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  // A terminal sends these to the child as well; staying alive until it ends is all there is to do.
  for (const signal of ['SIGINT', 'SIGQUIT']) process.on(signal, () => {});
  child.on('exit', (status, signal) => {
    if (signal === null) process.exit(status);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}
