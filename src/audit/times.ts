const rfc3339 = /^(\d{4})-(\d{2})-(\d{2})T\d{2}:\d{2}:\d{2}(\.\d{1,3})?(Z|[+-]\d{2}:\d{2})$/;

/** RFC 3339 with an offset and at most milliseconds, as UTC with milliseconds: what events carry; else undefined. */
export function toUtc(text: string): string | undefined {
  const [, year, month, day] = rfc3339.exec(text) ?? [];
  const time = Date.parse(text);
  if (year === undefined || Number.isNaN(time)) return undefined;
  // Date.parse takes 30 February for 2 March.
  const date = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)));
  return date.getUTCDate() === Number(day) ? new Date(time).toISOString() : undefined;
}
