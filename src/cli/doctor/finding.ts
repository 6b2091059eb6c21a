// What the doctor says about one thing: how it is, what that means, what to do.

export type Level = 'ok' | 'warn' | 'bad';

export interface Finding {
  level: Level;
  subject: string;
  means: string;
  /** What to do; for what is ok there is nothing to do. */
  advice?: string;
}

export const ok = (subject: string, means: string): Finding => ({ level: 'ok', subject, means });
export const warn = (subject: string, means: string, advice: string): Finding => ({
  level: 'warn',
  subject,
  means,
  advice,
});
export const bad = (subject: string, means: string, advice: string): Finding => ({
  level: 'bad',
  subject,
  means,
  advice,
});
