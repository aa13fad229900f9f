const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Signs that turn the direction of a line or hide in it; no text of ours has them, and no text of others may use them. */
const turning = /[\u200b\u200e\u200f\u061c\u202a-\u202e\u2060-\u2069\ufeff]/g;

/**
 * A text or number as it stands in an element or a quoted attribute; anything else is nothing. All that a template
 * prints goes through this.
 */
export function escapeHtml(value: unknown): string {
  const text = typeof value === 'string' ? value : typeof value === 'number' ? `${value}` : '';
  return text.replaceAll(turning, '').replaceAll(/[&<>"']/g, (sign) => entities[sign] ?? sign);
}
