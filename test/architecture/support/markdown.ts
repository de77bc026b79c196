import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { repository } from './copy.js';

/** The text of a Markdown file of the repository. */
export const markdown = (path: string): Promise<string> => readFile(join(repository, path), 'utf8');

/** Rows of the first table below a heading, by the titles of its columns. @throws Error without such a table */
export function tableBelow(text: string, heading: string): Record<string, string>[] {
  const [, below] = text.split(new RegExp(`^#+ ${heading}$`, 'm'));
  const lines = /^\|.*(?:\n\|.*)+$/m
    .exec(below ?? '')?.[0]
    .split('\n')
    .map(cells);
  const [titles, , ...rows] = lines ?? [];
  if (titles === undefined) throw new Error(`there is no table below ${heading}`);
  return rows.map((row) => Object.fromEntries(titles.map((title, column) => [title, row[column] ?? ''])));
}

/** All tables whose first column has this title, as rows of one. */
export function tableOf(text: string, title: string): Record<string, string>[] {
  const tables = [...text.matchAll(/^\|.*(?:\n\|.*)+$/gm)].map(([table]) => table.split('\n').map(cells));
  return tables.flatMap(([titles = [], , ...rows]) =>
    titles[0] === title
      ? rows.map((row) => Object.fromEntries(titles.map((one, column) => [one, row[column] ?? ''])))
      : [],
  );
}

/** What is set as code in a cell. */
export const codesIn = (cell = ''): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code);

/** Fenced blocks of a language. */
export const fenced = (text: string, language: string): string[] =>
  [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(([, block = '']) => block);

function cells(line: string): string[] {
  return line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());
}
