/** One property of an iCalendar file: name, parameters, and the value as it was written. */
export interface Property {
  readonly name: string;
  readonly params: Readonly<Record<string, string>>;
  readonly value: string;
}

/** A strict reader of what RFC 5545 allows; one list of properties per VEVENT. @throws Error for a line that is none */
export function parseICalendar(file: string): { calendar: Property[]; events: Property[][] } {
  if (!file.endsWith('END:VCALENDAR') && !file.endsWith('END:VCALENDAR\r\n')) throw new Error('it is cut off');
  const lines = file.trimEnd().split('\r\n');
  for (const line of lines) {
    if (Buffer.byteLength(line) > 75) throw new Error(`a line has ${Buffer.byteLength(line)} bytes: ${line}`);
    // oxlint-disable-next-line no-control-regex -- that there are none is the point
    if (/[\u0000-\u0008\u000a-\u001f\u007f\ufffd]/.test(line))
      throw new Error(`a line holds what it must not: ${line}`);
  }
  const calendar: Property[] = [];
  const events: Property[][] = [];
  let into = calendar;
  for (const line of lines.join('\r\n').replaceAll('\r\n ', '').split('\r\n')) {
    if (line === 'BEGIN:VEVENT') events.push((into = []));
    else if (line === 'END:VEVENT') into = calendar;
    else into.push(property(line));
  }
  return { calendar, events };
}

function property(line: string): Property {
  const match = /^([A-Z-]+)((?:;[A-Z-]+=(?:"[^"]*"|[^";:,]*))*):(.*)$/u.exec(line);
  if (!match) throw new Error(`no property: ${line}`);
  const [, name = '', list = '', value = ''] = match;
  const params: Record<string, string> = {};
  for (const [, param = '', text = ''] of list.matchAll(/;([A-Z-]+)=("[^"]*"|[^";:,]*)/gu)) {
    params[param] = text.replaceAll('"', '');
  }
  return { name, params, value };
}

/** A value of type TEXT. @throws Error where something should have been escaped */
export function textOf(value: string): string {
  if (!/^(?:[^\\;,]|\\[\\;,nN])*$/su.test(value)) throw new Error(`badly escaped: ${value}`);
  return value.replaceAll(/\\([\\;,nN])/g, (_all, one: string) => (one.toLowerCase() === 'n' ? '\n' : one));
}

/** The first value of a property. */
export const valueOf = (event: readonly Property[], wanted: string): string | undefined =>
  event.find(({ name }) => name === wanted)?.value;
