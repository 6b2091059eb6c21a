// Who is killed when: as values, so that the order can be seen at a glance and tested.

export type Victim = 'daemon' | 'vault' | 'supervisor';
export type KillCounts = Readonly<Record<Victim, number>>;

/** One vault and one supervisor for so many daemons. */
const DAEMONS_PER_HOLDER = 7;

/** The victims in order: `daemons` daemons, and between them the vault and the supervisor in turn, each at least once. */
export function planKills(daemons: number): Victim[] {
  const holders = Math.max(1, Math.round(daemons / DAEMONS_PER_HOLDER));
  const others = Array.from({ length: holders * 2 }, (_, i): Victim => (i % 2 === 0 ? 'vault' : 'supervisor'));
  const victims: Victim[] = [];
  let given = 0;
  for (let i = 1; i <= daemons; i++) {
    victims.push('daemon');
    const due = Math.floor((i * others.length) / daemons);
    victims.push(...others.slice(given, due));
    given = due;
  }
  return victims;
}

export function countKills(victims: readonly Victim[]): KillCounts {
  const count = (victim: Victim): number => victims.filter((each) => each === victim).length;
  return { daemon: count('daemon'), vault: count('vault'), supervisor: count('supervisor') };
}
