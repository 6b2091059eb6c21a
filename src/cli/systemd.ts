// A systemd unit for a mount.
import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';

/** The unit's text. The daemon may be killed at will: only the end of the whole session ends the unit. */
export function systemdUnit(source: string, target: string, args: readonly string[]): string {
  const program = [process.execPath, realpathSync(process.argv[1] ?? '')];
  const kept = args.filter(
    (arg) => arg !== '--print-systemd' && arg !== '--foreground' && arg !== source && arg !== target,
  );
  const where = resolve(target);
  const what = source.includes(':') ? source : resolve(source);
  const quote = (words: readonly string[]): string =>
    words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : JSON.stringify(word))).join(' ');
  return `# Save as /etc/systemd/system/NAME.service, then: systemctl enable --now NAME
[Unit]
Description=Evermount ${what} at ${where}
After=local-fs.target

[Service]
Type=exec
ExecStartPre=/bin/mkdir -p ${quote([where])}
ExecStart=${quote([...program, 'mount', '--foreground', ...kept, what, where])}
ExecStop=${quote([...program, 'umount', '--lazy', where])}
# Vault, supervisor and daemons replace each other; systemd must end them only with the unit.
KillMode=mixed
TimeoutStopSec=30
Restart=on-failure

[Install]
WantedBy=multi-user.target
`;
}
