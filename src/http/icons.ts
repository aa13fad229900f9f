/** Line icons of one stroke width on a grid of 24, always beside a word and so hidden from screen readers. */
const paths = {
  alert: 'M12 8v5m0 3.5v.01M10.3 4.2 2.9 17a2 2 0 0 0 1.7 3h14.8a2 2 0 0 0 1.7-3L13.7 4.2a2 2 0 0 0-3.4 0Z',
  app: 'M4 6a2 2 0 0 1 2-2h4v6H4V6Zm10-2h4a2 2 0 0 1 2 2v4h-6V4ZM4 14h6v6H6a2 2 0 0 1-2-2v-4Zm10 0h6v4a2 2 0 0 1-2 2h-4v-6Z',
  browser: 'M3 7a2 2 0 0 1 2-2h14a2 2 0 0 1 2 2v10a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2V7Zm0 3h18M6.5 7.5v.01M9 7.5v.01',
  check: 'm5 12.5 4.5 4.5L19 7.5',
  clock: 'M12 7v5l3 2m6-2a9 9 0 1 1-18 0 9 9 0 0 1 18 0Z',
  codes: 'M8 9h8m-8 4h8m-8 4h5M6 3h12a1 1 0 0 1 1 1v16a1 1 0 0 1-1 1H6a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1Z',
  copy: 'M9 9V5a1 1 0 0 1 1-1h9a1 1 0 0 1 1 1v9a1 1 0 0 1-1 1h-4M5 9h9a1 1 0 0 1 1 1v9a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1v-9a1 1 0 0 1 1-1Z',
  download: 'M12 4v11m-4.5-4.5L12 15l4.5-4.5M4 19.5h16',
  globe:
    'M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0Zm-18 0h18M12 3c2.5 2.5 3.5 5.5 3.5 9s-1 6.5-3.5 9c-2.5-2.5-3.5-5.5-3.5-9s1-6.5 3.5-9Z',
  key: 'M14.5 9.5a4.5 4.5 0 1 0-3 4.24L13 15.5h2v2h2v2h3.5V16l-6.24-5.25a4.5 4.5 0 0 0 .24-1.25ZM8.5 8v.01',
  list: 'M9 6h11M9 12h11M9 18h11M4.5 6v.01M4.5 12v.01M4.5 18v.01',
  mail: 'M4 6h16a1 1 0 0 1 1 1v10a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1V7a1 1 0 0 1 1-1Zm0 1 8 6 8-6',
  person: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8Zm-7.5 8c.8-3.5 3.7-5.5 7.5-5.5s6.7 2 7.5 5.5',
  phone: 'M8 3h8a1 1 0 0 1 1 1v16a1 1 0 0 1-1 1H8a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1Zm3 15.5h2',
  print: 'M7 9V4h10v5M7 17H5a1 1 0 0 1-1-1v-6a1 1 0 0 1 1-1h14a1 1 0 0 1 1 1v6a1 1 0 0 1-1 1h-2M7 14h10v6H7v-6Z',
  shield: 'M12 3 5 6v5.5c0 4.5 2.8 7.8 7 9.5 4.2-1.7 7-5 7-9.5V6l-7-3Zm-3 9 2.2 2.2L15.5 10',
  shieldOpen: 'M12 3 5 6v5.5c0 4.5 2.8 7.8 7 9.5 4.2-1.7 7-5 7-9.5V6l-7-3Zm0 5v4.5m0 3v.01',
  trash: 'M4.5 7h15M10 4h4m-7.5 3 .8 12a1 1 0 0 0 1 1h7.4a1 1 0 0 0 1-1l.8-12M10 11v5m4-5v5',
} as const;

export type IconName = keyof typeof paths;

/** The icon as an `<svg>` element. */
export function icon(name: IconName): string {
  return `<svg class="icon" viewBox="0 0 24 24" width="20" height="20" aria-hidden="true" focusable="false"><path d="${paths[name]}"/></svg>`;
}
