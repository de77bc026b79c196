import type { CalendarRows } from './calendar.queries.js';
import { iCalendar } from './icalendar.js';

/** Makes people's feeds. Programs that subscribe ask again and again, several at once: they cost no more than one. */
export class CalendarFiles {
  private readonly making = new Map<string, Promise<string>>();
  /** Ends with the last file under way: they are written one after the other, or each would take its part of every turn. */
  private written: Promise<unknown> = Promise.resolve();

  constructor(private readonly rows: Pick<CalendarRows, 'meetingsOf'>) {}

  /** Whoever asks while the person's file is being made gets that one. @throws Refused server.unavailable */
  fileOf(world: string, user: string): Promise<string> {
    const key = `${world}/${user}`;
    const shared = this.making.get(key);
    if (shared) return shared;
    const file = this.make(world, user).finally(() => this.making.delete(key));
    this.making.set(key, file);
    return file;
  }

  private async make(world: string, user: string): Promise<string> {
    const meetings = await this.rows.meetingsOf(world, user);
    const file = this.written.then(() => iCalendar(world, meetings));
    this.written = file.then(
      () => undefined,
      () => undefined,
    );
    return file;
  }
}
